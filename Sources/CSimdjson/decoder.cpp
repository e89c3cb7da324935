// Blocks of lines: both stages, line by line.
//
// After stage 1 no string crosses a line end (it would hold a control character), so the tokens of each line are right whatever
// its neighbours are; only where stage 1 fails for the whole block is it run again for each line by itself.

#include "CSimdjson.h"

#include <cstdlib>

#include "Decoder.hpp"

using namespace needletail;

uint32_t nt_decoder::stage_one_reason(simdjson::error_code error, const uint8_t *from, size_t length) {
    if (!simdjson::validate_utf8(reinterpret_cast<const char *>(from), length)) { return NT_INVALID_UTF8; }
    switch (error) {
    case simdjson::UNCLOSED_STRING: return NT_UNCLOSED_STRING;
    case simdjson::UNESCAPED_CHARS: return NT_CONTROL_CHARACTER;
    case simdjson::UTF8_ERROR: return NT_INVALID_UTF8;
    default: return NT_SYNTAX;
    }
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
    while (start < count) {
        const void *found = std::memchr(bytes + start, '\n', count - start);
        const size_t next = found ? size_t(static_cast<const uint8_t *>(found) - bytes) : count;
        size_t end = next;
        if (end > start && bytes[end - 1] == '\r') { end--; }
        decoder->line_starts.push_back(uint32_t(start));
        decoder->line_ends.push_back(uint32_t(end));
        start = next + 1;
    }
    return decoder->line_starts.size();
}

size_t nt_decoder_decode(nt_decoder *decoder, nt_block *block) {
    nt_decoder &d = *decoder;
    const size_t line_count = d.line_starts.size();
    d.rejects.clear();
    if (line_count == 0) { return 0; }
    if (d.time_kinds.size() < line_count) {
        d.time_kinds.resize(line_count);
        d.time_payloads.resize(line_count);
    }
    for (size_t column = 0; column < d.column_count; column++) {
        d.slots[column] = Slot{block->kinds + column * block->row_capacity, block->payloads + column * block->row_capacity};
    }
    d.slots[d.column_count] = Slot{d.time_kinds.data(), d.time_payloads.data()};
    for (Slot &slot : d.slots) { std::memset(slot.kinds, 0, line_count); }
    d.targets.resize(d.fields.size());
    for (size_t field = 0; field < d.fields.size(); field++) {
        const std::vector<uint32_t> &wanted = d.fields[field].slots;
        d.targets[field] = Target{wanted.empty() ? Slot{nullptr, nullptr} : d.slots[wanted[0]], wanted.size() > 1};
    }
    d.strings = block->strings;
    d.strings_used = block->strings_used;
    d.row = 0;
    if (d.shapes.worn()) { d.shapes.reset(); }

    uint8_t *const bytes = block->bytes;
    std::memset(bytes + block->count, 0, NT_PADDING);
    d.bytes_end = bytes + block->count;
    d.backslash = nullptr;

    const size_t from = d.line_starts[0];
    const size_t length = block->count - from;
    if (d.stage_one == nullptr) {
        if (simdjson::get_active_implementation()->create_dom_parser_implementation(length + 64, 4, d.stage_one) != simdjson::SUCCESS) {
            std::abort();
        }
    } else if (d.stage_one->capacity() < length) {
        if (d.stage_one->allocate(length + length / 2 + 64, 4) != simdjson::SUCCESS) { std::abort(); }
    }
    // Keys unescaped, keys moved off the shapes (at most depth_max of each), and one string that nobody wants.
    const size_t scratch_needed = 2 * (NT_LINE_BYTES_MAX + 2 * NT_PADDING);
    if (d.scratch.size() < scratch_needed) { d.scratch.resize(scratch_needed); }

    const simdjson::error_code whole = d.stage_one->stage1(bytes + from, length, simdjson::stage1_mode::regular);
    const bool by_line = whole != simdjson::SUCCESS && whole != simdjson::EMPTY;
    const uint32_t nothing[1] = {UINT32_MAX};
    const uint32_t *const block_tokens = whole == simdjson::SUCCESS ? d.stage_one->structural_indexes.get() : nothing;
    uint32_t token = 0;
    size_t cut = 0;

    for (size_t index = 0; index < line_count; index++) {
        const uint32_t start = d.line_starts[index];
        const uint32_t end = d.line_ends[index];
        uint32_t reason;
        d.scratch_used = 0;
        d.key_table.start_line();
        const bool was_cut = cut < block->cut_count && block->cut_lines[cut] == start;
        if (was_cut) { cut++; }
        if (was_cut || end - start > NT_LINE_BYTES_MAX) {
            reason = NT_LINE_TOO_LONG;
            if (!by_line) {
                while (block_tokens[token] < end - from) { token++; }
            }
        } else if (!by_line) {
            const Line line = {bytes + from, block_tokens, uint32_t(end - from)};
            if (block_tokens[token] >= line.end) { continue; }
            reason = d.read_line(line, token);
        } else {
            const size_t size = end - start;
            const simdjson::error_code error = d.stage_one->stage1(bytes + start, size, simdjson::stage1_mode::regular);
            if (error == simdjson::EMPTY) { continue; }
            if (error != simdjson::SUCCESS) {
                reason = d.stage_one_reason(error, bytes + start, size);
            } else {
                uint32_t line_token = 0;
                const Line line = {bytes + start, d.stage_one->structural_indexes.get(), uint32_t(size)};
                reason = d.read_line(line, line_token);
            }
        }
        if (reason != NT_ACCEPTED) {
            d.rejects.push_back(nt_rejected{uint32_t(index), reason, start, end - start});
            continue;
        }
        block->lines[d.row] = block->first_line + index;
        block->raw_offsets[d.row] = start;
        block->raw_lengths[d.row] = end - start;
        d.row++;
    }
    block->strings_used = d.strings_used;
    return d.row;
}

const nt_rejected *nt_decoder_rejects(const nt_decoder *decoder, size_t *count) {
    *count = decoder->rejects.size();
    return decoder->rejects.data();
}

const uint8_t *nt_decoder_time_kinds(const nt_decoder *decoder) { return decoder->time_kinds.data(); }

const uint64_t *nt_decoder_time_payloads(const nt_decoder *decoder) { return decoder->time_payloads.data(); }
