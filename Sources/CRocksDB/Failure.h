// What went wrong, from RocksDB's statuses and from exceptions, for the C face.
#ifndef NEEDLETAIL_CROCKSDB_FAILURE_H
#define NEEDLETAIL_CROCKSDB_FAILURE_H

#include "CRocksDB.h"

#include <rocksdb/status.h>

#include <exception>
#include <new>
#include <string>

struct nt_failure {
    int kind;
    std::string text;
};

namespace needletail {

inline int kind_of(const rocksdb::Status &status) {
    using rocksdb::Status;
    if (status.IsNoSpace() || status.subcode() == Status::SubCode::kNoSpace || status.subcode() == Status::SubCode::kSpaceLimit)
        return NT_FAILURE_FULL;
    if (status.IsCorruption()) return NT_FAILURE_DAMAGED;
    if (status.IsNotFound() || status.IsPathNotFound()) return NT_FAILURE_MISSING;
    if (status.IsIOError()) {
        const std::string text = status.ToString();
        // RocksDB has no code for a lock that another holds.
        if (text.find("lock hold by current process") != std::string::npos || text.find("While lock file") != std::string::npos)
            return NT_FAILURE_IN_USE;
        return NT_FAILURE_IO;
    }
    return NT_FAILURE_REFUSED;
}

inline nt_failure *failure_of(const rocksdb::Status &status) {
    if (status.ok()) return nullptr;
    return new nt_failure{kind_of(status), status.ToString()};
}

/// Nothing that RocksDB throws crosses the C face: sizes read from a damaged file can ask for more memory than there is.
template <class Body>
nt_failure *guarded(Body body) {
    try {
        return body();
    } catch (const std::bad_alloc &) {
        return new nt_failure{NT_FAILURE_DAMAGED, "a length asks for more memory than there is"};
    } catch (const std::exception &error) {
        return new nt_failure{NT_FAILURE_REFUSED, error.what()};
    } catch (...) {
        return new nt_failure{NT_FAILURE_REFUSED, "an unknown exception"};
    }
}

}  // namespace needletail

#endif
