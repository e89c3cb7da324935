// Blocks of lines to rows.
//
// simdjson parses a block as the stream of documents it nearly always is, one a line. A stream knows nothing of lines, though: a
// document may go on in the next one, two may stand on one, and an unclosed quote or bracket swallows its neighbours. So a block is
// taken only where there is one document for each line that is not blank, and each begins where its line does; such a document ends
// on its line, because the next one begins on the next. In all other cases, and where simdjson finds anything wrong, each line of the
// block is parsed by itself.

#include "CSimdjson.h"

#include <algorithm>
#include <cstdlib>

#include "Decoder.hpp"

using namespace needletail;
using simdjson::dom::element;

namespace {

uint64_t random_seed() {
    std::random_device device;
    return uint64_t(device()) << 32 | device() | 1;
}

}  // namespace

nt_decoder::nt_decoder(size_t columns) : column_count(columns), fields(1), slots(columns + 1), key_table(random_seed()) {
#ifdef SIMDJSON_THREADS_ENABLED
    // A block is one batch, so there is nothing to look ahead at.
    parser.threaded = false;
#endif
}

nt_decoder *nt_decoder_create(size_t column_count) {
    return new nt_decoder(column_count);
}

void nt_decoder_destroy(nt_decoder *decoder) { delete decoder; }

void nt_decoder_add_path(nt_decoder *decoder, size_t column, const nt_component *components, size_t count) {
    int32_t field = 0;
    for (size_t step = 0; step < count; step++) {
        const nt_component &component = components[step];
        int32_t next;
        if (component.name != nullptr) {
            next = decoder->fields[size_t(field)].named(component.name, uint32_t(component.length));
        } else {
            next = decoder->fields[size_t(field)].at(component.index);
        }
        if (next < 0) {
            next = int32_t(decoder->fields.size());
            Field &parent = decoder->fields[size_t(field)];
            if (component.name != nullptr) {
                parent.names.emplace_back(std::string(reinterpret_cast<const char *>(component.name), component.length), next);
            } else {
                parent.indexes.emplace_back(component.index, next);
            }
            decoder->fields.emplace_back();
        }
        field = next;
    }
    decoder->fields[size_t(field)].slots.push_back(uint32_t(column));
    decoder->shapes.start(decoder->fields.size() + 1);
}

size_t nt_decoder_copies(const nt_decoder *decoder) {
    // Children come behind their parents, so one pass carries the count of wanted fields down every path.
    std::vector<size_t> above(decoder->fields.size(), 0);
    size_t most = 1;
    for (size_t field = 0; field < decoder->fields.size(); field++) {
        const Field &node = decoder->fields[field];
        const size_t here = above[field] + (node.slots.empty() ? 0 : 1);
        if (here > most) { most = here; }
        for (const auto &entry : node.names) { above[size_t(entry.second)] = here; }
        for (const auto &entry : node.indexes) { above[size_t(entry.second)] = here; }
    }
    return most;
}

size_t nt_decoder_split(nt_decoder *decoder, const uint8_t *bytes, size_t start, size_t count) {
    decoder->line_starts.clear();
    decoder->line_ends.clear();
    decoder->longest_line = 0;
    while (start < count) {
        const void *found = std::memchr(bytes + start, '\n', count - start);
        const size_t next = found ? size_t(static_cast<const uint8_t *>(found) - bytes) : count;
        size_t end = next;
        if (end > start && bytes[end - 1] == '\r') { end--; }
        decoder->line_starts.push_back(uint32_t(start));
        decoder->line_ends.push_back(uint32_t(end));
        decoder->longest_line = std::max(decoder->longest_line, uint32_t(end - start));
        start = next + 1;
    }
    return decoder->line_starts.size();
}

void nt_decoder::start_rows(const nt_block &block) {
    for (Slot &slot : slots) { std::memset(slot.kinds, 0, line_starts.size()); }
    rejects.clear();
    strings_used = block.strings_used;
    row = 0;
    backslash = nullptr;
}

simdjson_inline void nt_decoder::end_line(nt_block &block, size_t index, uint32_t reason) {
    const uint32_t start = line_starts[index];
    const uint32_t length = line_ends[index] - start;
    if (simdjson_unlikely(reason != NT_ACCEPTED)) {
        rejects.push_back(nt_rejected{uint32_t(index), reason, start, length});
        return;
    }
    block.lines[row] = block.first_line + index;
    block.raw_offsets[row] = start;
    block.raw_lengths[row] = length;
    row++;
}

// Decodes the block as one stream. False where it is not one document a line.
bool nt_decoder::read_block(nt_block &block) {
    const uint8_t *const bytes = block.bytes;
    const size_t line_count = line_starts.size();
    const size_t from = line_starts[0];
    simdjson::dom::document_stream stream;
    // With all the parser's room for a batch the whole block is one.
    if (parser.parse_many(bytes + from, block.count - from, parser.capacity()).get(stream) != simdjson::SUCCESS) { return false; }
    size_t index = 0;
    const auto past_blank_lines = [&]() -> size_t {
        for (; index < line_count; index++) {
            size_t at = line_starts[index];
            while (at < line_ends[index] && is_blank(bytes[at])) { at++; }
            if (at < line_ends[index]) { return at; }
        }
        return block.count;
    };
    const auto end = stream.end();
    for (auto at = stream.begin(); at != end; ++at) {
        element document;
        if ((*at).get(document) != simdjson::SUCCESS) { return false; }
        if (past_blank_lines() != from + at.current_index() || index == line_count) { return false; }
        const uint32_t start = line_starts[index];
        const uint32_t reason = read_event(document, bytes + start, line_ends[index] - start);
        if (reason == no_room) { return true; }
        end_line(block, index, reason);
        index++;
    }
    // A stream says nothing of what it leaves at its end.
    return past_blank_lines() == block.count && stream.truncated_bytes() == 0;
}

// As simdjson parses one document, but with integers beyond 64 bits as doubles.
simdjson::error_code nt_decoder::parse(const uint8_t *line, size_t size, element &document) {
    const simdjson::error_code error = parser.parse(line, size, false).get(document);
    if (error != simdjson::NUMBER_ERROR || !widen_integers(line, size)) { return error; }
    return parser.parse(rewritten.data(), rewritten.size() - NT_PADDING, false).get(document);
}

uint32_t nt_decoder::read_line(const uint8_t *line, size_t size) {
    element document;
    const simdjson::error_code error = parse(line, size, document);
    return error == simdjson::SUCCESS ? read_event(document, line, size) : reason(error, line, size);
}

void nt_decoder::read_lines(nt_block &block) {
    size_t cut = 0;
    for (size_t index = 0; index < line_starts.size(); index++) {
        const uint32_t start = line_starts[index];
        const size_t size = line_ends[index] - start;
        const uint8_t *const line = block.bytes + start;
        const bool was_cut = cut < block.cut_count && block.cut_lines[cut] == start;
        if (was_cut) { cut++; }
        uint32_t reason = NT_LINE_TOO_LONG;
        if (!was_cut && size <= NT_LINE_BYTES_MAX) {
            size_t blanks = 0;
            while (blanks < size && is_blank(line[blanks])) { blanks++; }
            if (blanks == size) { continue; }
            reason = read_line(line, size);
            if (reason == no_room) { return; }
        }
        end_line(block, index, reason);
    }
}

size_t nt_decoder_decode(nt_decoder *decoder, nt_block *block) {
    nt_decoder &d = *decoder;
    const size_t line_count = d.line_starts.size();
    d.rejects.clear();
    d.strings_needed = 0;
    block->strings_needed = 0;
    if (line_count == 0) { return 0; }
    if (d.time_kinds.size() < line_count) {
        d.time_kinds.resize(line_count);
        d.time_payloads.resize(line_count);
    }
    for (size_t column = 0; column < d.column_count; column++) {
        d.slots[column] = Slot{block->kinds + column * block->row_capacity, block->payloads + column * block->row_capacity};
    }
    d.slots[d.column_count] = Slot{d.time_kinds.data(), d.time_payloads.data()};
    d.targets.resize(d.fields.size());
    for (size_t field = 0; field < d.fields.size(); field++) {
        const std::vector<uint32_t> &wanted = d.fields[field].slots;
        d.targets[field] = Target{wanted.empty() ? Slot{nullptr, nullptr} : d.slots[wanted[0]], wanted.size() > 1};
    }
    d.strings = block->strings;
    d.strings_capacity = block->strings_capacity;
    if (d.shapes.worn()) { d.shapes.reset(); }
    std::memset(block->bytes + block->count, 0, NT_PADDING);
    d.bytes_end = block->bytes + block->count;
    if (d.parser.capacity() < block->count) {
        // simdjson counts an opening bracket before it compares, so its bound is one more than what may be open.
        const size_t room = std::max(block->count + block->count / 2, size_t(64 * 1024));
        if (d.parser.allocate(room, NT_DEPTH_MAX + 1) != simdjson::SUCCESS) { std::abort(); }
    }

    d.start_rows(*block);
    const bool has_long_lines = block->cut_count > 0 || d.longest_line > NT_LINE_BYTES_MAX;
    if (has_long_lines || !d.read_block(*block)) {
        d.start_rows(*block);
        d.read_lines(*block);
    }
    block->strings_needed = d.strings_needed;
    block->strings_used = d.strings_used;
    return d.row;
}

const nt_rejected *nt_decoder_rejects(const nt_decoder *decoder, size_t *count) {
    *count = decoder->rejects.size();
    return decoder->rejects.data();
}

const uint8_t *nt_decoder_time_kinds(const nt_decoder *decoder) { return decoder->time_kinds.data(); }

const uint64_t *nt_decoder_time_payloads(const nt_decoder *decoder) { return decoder->time_payloads.data(); }
