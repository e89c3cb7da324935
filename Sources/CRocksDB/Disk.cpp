#include "Disk.h"

#include "Failure.h"
#include "Table.h"

#include <algorithm>
#include <cerrno>
#include <cstring>

using namespace rocksdb;

namespace needletail {

IOStatus Hook::error_of(int number, const std::string &path) {
    const std::string why = std::strerror(number);
    if (number == ENOSPC) {
        IOStatus status = IOStatus::NoSpace(path, why);
        status.SetRetryable(true);
        return status;
    }
    return IOStatus::IOError(path, why);
}

namespace {

class WatchedWritable final : public FSWritableFileOwnerWrapper {
public:
    WatchedWritable(std::unique_ptr<FSWritableFile> &&file, const std::string &path, std::shared_ptr<Hook> hook)
        : FSWritableFileOwnerWrapper(std::move(file)), path_(path), hook_(std::move(hook)) {}

    IOStatus Append(const Slice &data, const IOOptions &options, IODebugContext *debug) override {
        return hook_->around(
            NT_DISK_APPEND, path_, "", [&] { return target()->Append(data, options, debug); },
            [&] { target()->Append(Slice(data.data(), data.size() / 2), options, debug); });
    }
    IOStatus Append(const Slice &data, const IOOptions &options, const DataVerificationInfo &, IODebugContext *debug) override {
        return Append(data, options, debug);
    }
    IOStatus PositionedAppend(const Slice &data, uint64_t offset, const IOOptions &options, IODebugContext *debug) override {
        return hook_->around(NT_DISK_APPEND, path_, "", [&] { return target()->PositionedAppend(data, offset, options, debug); });
    }
    IOStatus PositionedAppend(
        const Slice &data, uint64_t offset, const IOOptions &options, const DataVerificationInfo &, IODebugContext *debug) override {
        return PositionedAppend(data, offset, options, debug);
    }
    IOStatus Truncate(uint64_t size, const IOOptions &options, IODebugContext *debug) override {
        return hook_->around(NT_DISK_TRUNCATE, path_, "", [&] { return target()->Truncate(size, options, debug); });
    }
    IOStatus Sync(const IOOptions &options, IODebugContext *debug) override {
        return hook_->around(NT_DISK_SYNC, path_, "", [&] { return target()->Sync(options, debug); });
    }
    IOStatus Fsync(const IOOptions &options, IODebugContext *debug) override {
        return hook_->around(NT_DISK_SYNC, path_, "", [&] { return target()->Fsync(options, debug); });
    }

private:
    std::string path_;
    std::shared_ptr<Hook> hook_;
};

/// RocksDB's own notes: what cannot be written of them is lost, and nothing else. Its logger takes it for a mistake of the program when it
/// is used after a failed write, and ends the process.
class Notes final : public FSWritableFileOwnerWrapper {
public:
    explicit Notes(std::unique_ptr<FSWritableFile> &&file) : FSWritableFileOwnerWrapper(std::move(file)) {}

    IOStatus Append(const Slice &data, const IOOptions &options, IODebugContext *debug) override {
        target()->Append(data, options, debug).PermitUncheckedError();
        return IOStatus::OK();
    }
    IOStatus Append(const Slice &data, const IOOptions &options, const DataVerificationInfo &, IODebugContext *debug) override {
        return Append(data, options, debug);
    }
    IOStatus Flush(const IOOptions &options, IODebugContext *debug) override {
        target()->Flush(options, debug).PermitUncheckedError();
        return IOStatus::OK();
    }
    IOStatus Sync(const IOOptions &, IODebugContext *) override { return IOStatus::OK(); }
    IOStatus Fsync(const IOOptions &, IODebugContext *) override { return IOStatus::OK(); }
    IOStatus Truncate(uint64_t size, const IOOptions &options, IODebugContext *debug) override {
        target()->Truncate(size, options, debug).PermitUncheckedError();
        return IOStatus::OK();
    }
    IOStatus Close(const IOOptions &options, IODebugContext *debug) override {
        target()->Close(options, debug).PermitUncheckedError();
        return IOStatus::OK();
    }
};

bool is_notes(const std::string &path) {
    const size_t slash = path.rfind('/');
    const size_t start = slash == std::string::npos ? 0 : slash + 1;
    return path.compare(start, std::string::npos, "LOG") == 0;
}

class WatchedFolder final : public FSDirectoryWrapper {
public:
    WatchedFolder(std::unique_ptr<FSDirectory> &&folder, const std::string &path, std::shared_ptr<Hook> hook)
        : FSDirectoryWrapper(std::move(folder)), path_(path), hook_(std::move(hook)) {}

    IOStatus Fsync(const IOOptions &options, IODebugContext *debug) override {
        return hook_->around(NT_DISK_SYNC_FOLDER, path_, "", [&] { return FSDirectoryWrapper::Fsync(options, debug); });
    }
    IOStatus FsyncWithDirOptions(const IOOptions &options, IODebugContext *debug, const DirFsyncOptions &why) override {
        return hook_->around(
            NT_DISK_SYNC_FOLDER, path_, "", [&] { return FSDirectoryWrapper::FsyncWithDirOptions(options, debug, why); });
    }

private:
    std::string path_;
    std::shared_ptr<Hook> hook_;
};

class WatchedRandomAccess final : public FSRandomAccessFileOwnerWrapper {
public:
    WatchedRandomAccess(std::unique_ptr<FSRandomAccessFile> &&file, const std::string &path, std::shared_ptr<Hook> hook)
        : FSRandomAccessFileOwnerWrapper(std::move(file)), path_(path), hook_(std::move(hook)) {}

    IOStatus Read(
        uint64_t offset, size_t count, const IOOptions &options, Slice *result, char *scratch, IODebugContext *debug) const override {
        return hook_->around(NT_DISK_READ, path_, "", [&] { return target()->Read(offset, count, options, result, scratch, debug); });
    }
    IOStatus MultiRead(FSReadRequest *requests, size_t count, const IOOptions &options, IODebugContext *debug) override {
        for (size_t i = 0; i < count; i++)
            requests[i].status = Read(requests[i].offset, requests[i].len, options, &requests[i].result, requests[i].scratch, debug);
        return IOStatus::OK();
    }

private:
    std::string path_;
    std::shared_ptr<Hook> hook_;
};

class WatchedSequential final : public FSSequentialFileOwnerWrapper {
public:
    WatchedSequential(std::unique_ptr<FSSequentialFile> &&file, const std::string &path, std::shared_ptr<Hook> hook)
        : FSSequentialFileOwnerWrapper(std::move(file)), path_(path), hook_(std::move(hook)) {}

    IOStatus Read(size_t count, const IOOptions &options, Slice *result, char *scratch, IODebugContext *debug) override {
        return hook_->around(
            NT_DISK_READ, path_, "", [&] { return FSSequentialFileOwnerWrapper::Read(count, options, result, scratch, debug); });
    }

private:
    std::string path_;
    std::shared_ptr<Hook> hook_;
};

bool is_sst(const std::string &path) { return path.size() > 4 && path.compare(path.size() - 4, 4, ".sst") == 0; }

/// Whether the file CURRENT beside a MANIFEST names it.
bool is_current(FileSystem &files, const std::string &path) {
    const size_t slash = path.rfind('/');
    if (slash == std::string::npos) return false;
    std::string content;
    if (!ReadFileToString(&files, path.substr(0, slash + 1) + "CURRENT", &content).ok()) return false;
    return content == path.substr(slash + 1) + "\n";
}

}  // namespace

void Disk::begin_logs(bool proves) {
    std::lock_guard<std::mutex> lock(log_mutex_);
    proves_logs_ = proves;
    log_chain_ = LogChain();
}

void Disk::hold_removals() {
    std::lock_guard<std::mutex> lock(held_mutex_);
    is_holding_ = true;
}

void Disk::release_removals() {
    std::vector<std::string> due;
    {
        std::lock_guard<std::mutex> lock(held_mutex_);
        is_holding_ = false;
        due.swap(held_);
    }
    // A file that cannot be removed now is removed by the next opening.
    for (const std::string &path : due) DeleteFile(path, IOOptions(), nullptr);
}

void Disk::forget_removals() {
    std::lock_guard<std::mutex> lock(held_mutex_);
    is_holding_ = false;
    held_.clear();
}

IOStatus Disk::NewSequentialFile(
    const std::string &path, const FileOptions &options, std::unique_ptr<FSSequentialFile> *result, IODebugContext *debug) {
    IOStatus status = target()->NewSequentialFile(path, options, result, debug);
    if (status.ok() && hook_->is_set()) result->reset(new WatchedSequential(std::move(*result), path, hook_));
    if (status.ok() && is_manifest(path)) status = read_sound(path, result);
    if (status.ok() && is_write_ahead_log(path)) {
        std::lock_guard<std::mutex> lock(log_mutex_);
        if (proves_logs_) status = read_proved(path, log_chain_, result);
    }
    if (!status.ok()) result->reset();
    return status;
}

IOStatus Disk::NewRandomAccessFile(
    const std::string &path, const FileOptions &options, std::unique_ptr<FSRandomAccessFile> *result, IODebugContext *debug) {
    IOStatus status = target()->NewRandomAccessFile(path, options, result, debug);
    if (status.ok() && hook_->is_set()) result->reset(new WatchedRandomAccess(std::move(*result), path, hook_));
    if (status.ok() && is_table(path)) status = check_seal(*target(), path, **result);
    if (!status.ok()) result->reset();
    return status;
}

IOStatus Disk::NewWritableFile(
    const std::string &path, const FileOptions &options, std::unique_ptr<FSWritableFile> *result, IODebugContext *debug) {
    if (is_notes(path)) {
        IOStatus made = target()->NewWritableFile(path, options, result, debug);
        if (made.ok()) result->reset(new Notes(std::move(*result)));
        return made;
    }
    IOStatus status =
        hook_->around(NT_DISK_CREATE, path, "", [&] { return target()->NewWritableFile(path, options, result, debug); });
    if (status.ok() && hook_->is_set()) result->reset(new WatchedWritable(std::move(*result), path, hook_));
    if (status.ok() && is_table(path)) *result = sealing(std::move(*result));
    return status;
}

IOStatus Disk::NewLogger(
    const std::string &path, const IOOptions &options, std::shared_ptr<Logger> *result, IODebugContext *debug) {
    // The wrapper's own would write past us.
    return FileSystem::NewLogger(path, options, result, debug);
}

IOStatus Disk::ReopenWritableFile(
    const std::string &path, const FileOptions &options, std::unique_ptr<FSWritableFile> *result, IODebugContext *debug) {
    IOStatus status = target()->ReopenWritableFile(path, options, result, debug);
    if (status.ok() && hook_->is_set()) result->reset(new WatchedWritable(std::move(*result), path, hook_));
    return status;
}

IOStatus Disk::NewDirectory(
    const std::string &path, const IOOptions &options, std::unique_ptr<FSDirectory> *result, IODebugContext *debug) {
    IOStatus status = target()->NewDirectory(path, options, result, debug);
    if (status.ok() && hook_->is_set()) result->reset(new WatchedFolder(std::move(*result), path, hook_));
    return status;
}

IOStatus Disk::GetFileSize(const std::string &path, const IOOptions &options, uint64_t *size, IODebugContext *debug) {
    IOStatus status = target()->GetFileSize(path, options, size, debug);
    // A table without room for a seal is refused when it is opened.
    if (status.ok() && is_table(path)) *size -= std::min(*size, seal_count);
    return status;
}

IOStatus Disk::DeleteFile(const std::string &path, const IOOptions &options, IODebugContext *debug) {
    if (is_sst(path)) {
        std::lock_guard<std::mutex> lock(held_mutex_);
        if (is_holding_) {
            held_.push_back(path);
            return IOStatus::OK();
        }
    }
    if (is_manifest(path) && is_current(*target(), path)) return IOStatus::OK();
    return hook_->around(NT_DISK_REMOVE, path, "", [&] { return target()->DeleteFile(path, options, debug); });
}

IOStatus Disk::Truncate(const std::string &path, size_t size, const IOOptions &options, IODebugContext *debug) {
    return hook_->around(NT_DISK_TRUNCATE, path, "", [&] { return target()->Truncate(path, size, options, debug); });
}

IOStatus Disk::CreateDir(const std::string &path, const IOOptions &options, IODebugContext *debug) {
    return hook_->around(NT_DISK_MAKE_FOLDER, path, "", [&] { return target()->CreateDir(path, options, debug); });
}

IOStatus Disk::CreateDirIfMissing(const std::string &path, const IOOptions &options, IODebugContext *debug) {
    return hook_->around(NT_DISK_MAKE_FOLDER, path, "", [&] { return target()->CreateDirIfMissing(path, options, debug); });
}

IOStatus Disk::RenameFile(const std::string &from, const std::string &to, const IOOptions &options, IODebugContext *debug) {
    return hook_->around(NT_DISK_RENAME, from, to, [&] { return target()->RenameFile(from, to, options, debug); });
}

IOStatus Disk::LinkFile(const std::string &from, const std::string &to, const IOOptions &options, IODebugContext *debug) {
    return hook_->around(NT_DISK_LINK, from, to, [&] { return target()->LinkFile(from, to, options, debug); });
}

}  // namespace needletail

using needletail::failure_of;
using needletail::guarded;

extern "C" {

nt_disk *nt_disk_create(nt_disk_hook hook, void *context) {
    auto files = std::make_shared<needletail::Disk>(hook, context);
    return new nt_disk{files, NewCompositeEnv(files)};
}

void nt_disk_destroy(nt_disk *disk) { delete disk; }

nt_failure *nt_disk_write(nt_disk *disk, const char *path, const void *bytes, size_t count) {
    return guarded([&]() -> nt_failure * {
        std::unique_ptr<FSWritableFile> file;
        IOStatus status = disk->files->NewWritableFile(path, FileOptions(), &file, nullptr);
        if (status.ok()) status = file->Append(Slice(static_cast<const char *>(bytes), count), IOOptions(), nullptr);
        if (status.ok()) status = file->Fsync(IOOptions(), nullptr);
        if (file) {
            IOStatus closed = file->Close(IOOptions(), nullptr);
            if (status.ok()) status = closed;
        }
        return failure_of(status);
    });
}

nt_failure *nt_disk_rename(nt_disk *disk, const char *from, const char *to, const char *folder) {
    return guarded([&]() -> nt_failure * {
        IOStatus status = disk->files->RenameFile(from, to, IOOptions(), nullptr);
        if (!status.ok()) return failure_of(status);
        return nt_disk_sync_folder(disk, folder);
    });
}

nt_failure *nt_disk_remove(nt_disk *disk, const char *path) {
    return guarded([&] { return failure_of(disk->files->DeleteFile(path, IOOptions(), nullptr)); });
}

nt_failure *nt_disk_make_folder(nt_disk *disk, const char *path) {
    return guarded([&] { return failure_of(disk->files->CreateDirIfMissing(path, IOOptions(), nullptr)); });
}

nt_failure *nt_disk_sync_folder(nt_disk *disk, const char *path) {
    return guarded([&]() -> nt_failure * {
        std::unique_ptr<FSDirectory> folder;
        IOStatus status = disk->files->NewDirectory(path, IOOptions(), &folder, nullptr);
        if (status.ok()) status = folder->Fsync(IOOptions(), nullptr);
        return failure_of(status);
    });
}

int nt_failure_kind(const nt_failure *failure) { return failure->kind; }
const char *nt_failure_text(const nt_failure *failure) { return failure->text.c_str(); }
void nt_failure_free(nt_failure *failure) { delete failure; }

}  // extern "C"
