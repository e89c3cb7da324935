/// Where a value stands in an event: `device.os.name`, `items[0].sku`.
public struct FieldPath: Hashable, Sendable {
    public enum Component: Hashable, Sendable {
        case name(String)
        /// A place in a list, from 0.
        case index(Int)
    }

    public var components: [Component]

    public init(_ components: [Component]) {
        self.components = components
    }

    /// A field at the top of an event.
    public init(name: String) {
        self.components = [.name(name)]
    }
}

extension FieldPath: CustomStringConvertible {
    /// As it is written in a rule, without the backquotes that a name may need there.
    public var description: String {
        var text = ""
        for component in components {
            switch component {
            case .name(let name):
                if !text.isEmpty { text += "." }
                text += name
            case .index(let index):
                text += "[\(index)]"
            }
        }
        return text
    }
}
