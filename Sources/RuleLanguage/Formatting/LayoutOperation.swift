/// One step of laying a text out. The builder makes a flat list of them; the printer decides which lines break.
enum LayoutOperation {
    /// Bytes of the file.
    case text(Int32, Int32)
    /// A sign that the file need not have.
    case sign(UInt8)
    /// A blank, which is dropped at the end of a line.
    case space
    /// Further blanks, for columns.
    case pad(Int32)
    /// A blank, or a new line where the group around it does not fit.
    case line
    /// Nothing, or a new line where the group around it does not fit.
    case softLine
    /// A new line.
    case hardLine
    /// A blank, or a new line where what follows up to the next possible break does not fit.
    case fill
    /// A comma where the group around it stands on one line.
    case flatComma
    /// What follows stands on one line if that has room, and is not longer than so many columns.
    case begin(columnsMax: Int32, isForced: Bool)
    case end
    /// Lines that begin from here on are indented by so much more.
    case nest(Int32)
    /// Lines that begin from here on are indented to this column.
    case align
    /// Ends a `nest` or an `align`.
    case unnest
    /// A comment at the end of a line, which goes on on the next line.
    case trailingComment(Int32, Int32)
    /// A comment on a line of its own.
    case comment(Int32, Int32)
    /// The next new line has a blank line before it.
    case blank
}
