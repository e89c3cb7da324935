internal import Events
internal import Glibc

extension Evaluator {
    /// A function of the values at `arguments`.
    func call(_ function: Int, _ arguments: UnsafeMutablePointer<Scalar>, _ count: Int) -> Scalar {
        mismatch()
    }
}
