NOWHERE = object()


class TextRun:
    def __init__(self, piece_type: object, add: object) -> None:
        self.output_index: object = NOWHERE
        self.content_index = 0
        self.pending: list[str] = []
        self.sequence_number: int | None = None
