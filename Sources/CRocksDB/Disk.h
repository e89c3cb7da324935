// The file system below a store: the machine's own, with three additions.
//
// 1. A hook sees every operation that writes (and reads of content), and can make it fail. Tests count, fail and crash at each of them.
// 2. While files are taken in, removals of tables wait. RocksDB removes the files that it was taking in when the write of its MANIFEST
//    fails; but a record whose fsync failed may be on the disk all the same, and the next opening would then find a MANIFEST that names files
//    which are gone. After a failure no table is removed until the store is opened again, which removes what is not in use.
//    For the same reason a MANIFEST is never removed while CURRENT names it.
// 3. Tables are sealed, see Table.h; MANIFESTs are read up to their last sound record, and write-ahead logs are proved, see Log.h.
#ifndef NEEDLETAIL_CROCKSDB_DISK_H
#define NEEDLETAIL_CROCKSDB_DISK_H

#include "CRocksDB.h"
#include "Log.h"

#include <rocksdb/env.h>
#include <rocksdb/file_system.h>

#include <memory>
#include <mutex>
#include <string>
#include <vector>

namespace needletail {

class Hook {
public:
    Hook(nt_disk_hook function, void *context) : function_(function), context_(context) {}

    bool is_set() const { return function_ != nullptr; }

    /// Runs an operation between the two calls of the hook; `torn` does half of it.
    template <class Body, class Torn>
    rocksdb::IOStatus around(int operation, const std::string &path, const std::string &other, Body body, Torn torn) {
        if (!function_) return body();
        std::lock_guard<std::recursive_mutex> lock(mutex_);
        const int refusal = function_(context_, operation, 0, path.c_str(), other.c_str());
        if (refusal) {
            if (refusal & NT_DISK_TORN) torn();
            return error_of(refusal & ~NT_DISK_TORN, path);
        }
        rocksdb::IOStatus status = body();
        if (status.ok()) function_(context_, operation, 1, path.c_str(), other.c_str());
        return status;
    }

    template <class Body>
    rocksdb::IOStatus around(int operation, const std::string &path, const std::string &other, Body body) {
        return around(operation, path, other, body, [] {});
    }

private:
    static rocksdb::IOStatus error_of(int number, const std::string &path);

    nt_disk_hook function_;
    void *context_;
    // Recursive, since RocksDB's default implementations call one another.
    std::recursive_mutex mutex_;
};

class Disk final : public rocksdb::FileSystemWrapper {
public:
    Disk(nt_disk_hook function, void *context)
        : FileSystemWrapper(rocksdb::FileSystem::Default()), hook_(std::make_shared<Hook>(function, context)) {}

    const char *Name() const override { return "NeedletailDisk"; }

    /// A store is about to be opened; `proves` says whether its write-ahead logs hold anything.
    void begin_logs(bool proves);

    /// From here on removals of tables wait.
    void hold_removals();
    /// Removals go through again, and those that waited are done now.
    void release_removals();
    /// Removals go through again; those that waited are left to the opening that follows.
    void forget_removals();

    rocksdb::IOStatus NewSequentialFile(
        const std::string &path, const rocksdb::FileOptions &options, std::unique_ptr<rocksdb::FSSequentialFile> *result,
        rocksdb::IODebugContext *debug) override;
    rocksdb::IOStatus NewRandomAccessFile(
        const std::string &path, const rocksdb::FileOptions &options, std::unique_ptr<rocksdb::FSRandomAccessFile> *result,
        rocksdb::IODebugContext *debug) override;
    rocksdb::IOStatus NewLogger(
        const std::string &path, const rocksdb::IOOptions &options, std::shared_ptr<rocksdb::Logger> *result,
        rocksdb::IODebugContext *debug) override;
    rocksdb::IOStatus NewWritableFile(
        const std::string &path, const rocksdb::FileOptions &options, std::unique_ptr<rocksdb::FSWritableFile> *result,
        rocksdb::IODebugContext *debug) override;
    rocksdb::IOStatus ReopenWritableFile(
        const std::string &path, const rocksdb::FileOptions &options, std::unique_ptr<rocksdb::FSWritableFile> *result,
        rocksdb::IODebugContext *debug) override;
    rocksdb::IOStatus NewDirectory(
        const std::string &path, const rocksdb::IOOptions &options, std::unique_ptr<rocksdb::FSDirectory> *result,
        rocksdb::IODebugContext *debug) override;
    rocksdb::IOStatus GetFileSize(
        const std::string &path, const rocksdb::IOOptions &options, uint64_t *size, rocksdb::IODebugContext *debug) override;
    rocksdb::IOStatus DeleteFile(const std::string &path, const rocksdb::IOOptions &options, rocksdb::IODebugContext *debug) override;
    rocksdb::IOStatus Truncate(
        const std::string &path, size_t size, const rocksdb::IOOptions &options, rocksdb::IODebugContext *debug) override;
    rocksdb::IOStatus CreateDir(const std::string &path, const rocksdb::IOOptions &options, rocksdb::IODebugContext *debug) override;
    rocksdb::IOStatus CreateDirIfMissing(
        const std::string &path, const rocksdb::IOOptions &options, rocksdb::IODebugContext *debug) override;
    rocksdb::IOStatus RenameFile(
        const std::string &from, const std::string &to, const rocksdb::IOOptions &options, rocksdb::IODebugContext *debug) override;
    rocksdb::IOStatus LinkFile(
        const std::string &from, const std::string &to, const rocksdb::IOOptions &options, rocksdb::IODebugContext *debug) override;

private:
    std::shared_ptr<Hook> hook_;
    std::mutex log_mutex_;
    bool proves_logs_ = false;
    LogChain log_chain_;
    std::mutex held_mutex_;
    bool is_holding_ = false;
    std::vector<std::string> held_;
};

}  // namespace needletail

struct nt_disk {
    std::shared_ptr<needletail::Disk> files;
    std::unique_ptr<rocksdb::Env> env;
};

#endif
