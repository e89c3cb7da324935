// One JSON object to a flat tree, for what is compared and not streamed. The Swift side is Decoding/JSONValue.swift.

#include "CSimdjson.h"

#include <algorithm>
#include <cstring>
#include <new>
#include <string>
#include <utility>
#include <vector>

#include <simdjson.h>

struct nt_json_tree {
    std::vector<nt_json_node> nodes;
    std::string text;
};

namespace {

using namespace simdjson;

// Walks a document once, in the order of its text, and keeps why it stopped.
class TreeReader {
public:
    TreeReader(nt_json_tree &tree, const char *base) : tree(tree), base(base) {}

    error_code error = SUCCESS;
    bool is_too_deep = false;

    bool add_object(ondemand::object object, size_t offset, int depth) {
        if (depth > NT_DEPTH_MAX) { return too_deep(); }
        const size_t place = tree.nodes.size();
        tree.nodes.push_back({NT_JSON_OBJECT, 0, 0, offset});
        for (auto found : object) {
            ondemand::field field;
            std::string_view key;
            if (!good(std::move(found).get(field))) { return false; }
            // The raw key begins behind its quote.
            const size_t key_offset = size_t(field.key().raw() - 1 - base);
            if (!good(field.unescaped_key().get(key))) { return false; }
            add_text(key, key_offset);
            if (!add_value(field.value(), depth)) { return false; }
            tree.nodes[place].count += 1;
        }
        return true;
    }

private:
    nt_json_tree &tree;
    const char *const base;

    bool good(error_code found) {
        if (found != SUCCESS) { error = found; }
        return found == SUCCESS;
    }

    bool too_deep() {
        is_too_deep = true;
        return false;
    }

    void add_text(std::string_view text, size_t offset) {
        tree.nodes.push_back({NT_JSON_STRING, uint32_t(text.size()), tree.text.size(), offset});
        tree.text.append(text);
    }

    bool add_array(ondemand::array array, size_t offset, int depth) {
        if (depth > NT_DEPTH_MAX) { return too_deep(); }
        const size_t place = tree.nodes.size();
        tree.nodes.push_back({NT_JSON_ARRAY, 0, 0, offset});
        for (auto found : array) {
            ondemand::value value;
            if (!good(std::move(found).get(value)) || !add_value(value, depth)) { return false; }
            tree.nodes[place].count += 1;
        }
        return true;
    }

    bool add_number(ondemand::value value, size_t offset) {
        int64_t small;
        uint64_t large;
        double real;
        if (value.get_int64().get(small) == SUCCESS) {
            tree.nodes.push_back({NT_JSON_INTEGER, 0, uint64_t(small), offset});
        } else if (value.get_uint64().get(large) == SUCCESS) {
            tree.nodes.push_back({NT_JSON_UNSIGNED, 0, large, offset});
        } else if (good(value.get_double().get(real))) {
            // Integers beyond 64 bits are doubles, as they are to rules.
            uint64_t bits;
            std::memcpy(&bits, &real, sizeof bits);
            tree.nodes.push_back({NT_JSON_DOUBLE, 0, bits, offset});
        } else {
            return false;
        }
        return true;
    }

    bool add_value(ondemand::value value, int depth) {
        ondemand::json_type type;
        const char *location;
        if (!good(value.current_location().get(location)) || !good(value.type().get(type))) { return false; }
        const size_t offset = size_t(location - base);
        switch (type) {
        case ondemand::json_type::object: {
            ondemand::object object;
            return good(value.get_object().get(object)) && add_object(object, offset, depth + 1);
        }
        case ondemand::json_type::array: {
            ondemand::array array;
            return good(value.get_array().get(array)) && add_array(array, offset, depth + 1);
        }
        case ondemand::json_type::string: {
            std::string_view text;
            if (!good(value.get_string().get(text))) { return false; }
            add_text(text, offset);
            return true;
        }
        case ondemand::json_type::boolean: {
            bool flag;
            if (!good(value.get_bool().get(flag))) { return false; }
            tree.nodes.push_back({NT_JSON_BOOLEAN, 0, uint64_t(flag), offset});
            return true;
        }
        case ondemand::json_type::null: {
            // The type is told by the first letter alone.
            bool is_null;
            if (!good(value.is_null().get(is_null))) { return false; }
            if (!is_null) { return good(TAPE_ERROR); }
            tree.nodes.push_back({NT_JSON_NULL, 0, 0, offset});
            return true;
        }
        case ondemand::json_type::number: return add_number(value, offset);
        }
        return false;
    }
};

// The first line that is no UTF-8.
size_t bad_line(std::string_view text) {
    size_t start = 0;
    while (start < text.size()) {
        const size_t end = std::min(text.find('\n', start), text.size());
        if (!validate_utf8(text.data() + start, end - start)) { return start; }
        start = end + 1;
    }
    return SIZE_MAX;
}

// The opening quote of the first string that has a control character, such as the end of a line, or is not closed.
size_t bad_string(std::string_view text) {
    for (size_t at = 0; at < text.size(); at++) {
        if (text[at] != '"') { continue; }
        const size_t start = at;
        for (at++; at < text.size() && text[at] != '"'; at++) {
            if (uint8_t(text[at]) < 0x20) { return start; }
            if (text[at] == '\\') { at++; }
        }
        if (at >= text.size()) { return start; }
    }
    return SIZE_MAX;
}

// Of a document whose brackets do not go together as they should: what follows the first container, or the last bracket that is open.
nt_json_fault unbalanced(std::string_view text) {
    std::vector<size_t> open;
    for (size_t at = 0; at < text.size(); at++) {
        if (text[at] == '"') {
            for (at++; at < text.size() && text[at] != '"'; at++) {
                if (text[at] == '\\') { at++; }
            }
        } else if (text[at] == '{' || text[at] == '[') {
            open.push_back(at);
        } else if ((text[at] == '}' || text[at] == ']') && !open.empty()) {
            open.pop_back();
            if (!open.empty()) { continue; }
            const size_t rest = text.find_first_not_of(" \t\r\n", at + 1);
            if (rest != std::string_view::npos) { return {NT_TRAILING, rest}; }
        }
    }
    return {NT_NOT_CLOSED, open.empty() ? SIZE_MAX : open.back()};
}

nt_json_fault fault_of(error_code error, std::string_view text, size_t offset) {
    switch (error) {
    case UTF8_ERROR: return {NT_INVALID_UTF8, bad_line(text)};
    case UNCLOSED_STRING: return {NT_UNCLOSED_STRING, bad_string(text)};
    case UNESCAPED_CHARS: return {NT_CONTROL_CHARACTER, bad_string(text)};
    case STRING_ERROR: return {NT_BAD_ESCAPE, offset};
    case NUMBER_ERROR: return {NT_BAD_NUMBER, offset};
    case DEPTH_ERROR: return {NT_TOO_DEEP, offset};
    case INCOMPLETE_ARRAY_OR_OBJECT: return unbalanced(text);
    // Where the text ended too early, the parser stands behind it.
    default: return offset >= text.size() ? unbalanced(text) : nt_json_fault{NT_SYNTAX, offset};
    }
}

// Where the parser stands; behind the last token there is no such place.
size_t place(ondemand::document &document, std::string_view text) {
    const char *location;
    if (document.current_location().get(location) != SUCCESS || location < text.data()) { return SIZE_MAX; }
    return std::min(size_t(location - text.data()), text.size());
}

bool read(nt_json_tree &tree, const padded_string &text, nt_json_fault &fault) {
    const std::string_view view = text;
    ondemand::parser parser;
    ondemand::document document;
    ondemand::object object;
    error_code error = parser.iterate(text).get(document);
    if (error != SUCCESS) {
        fault = fault_of(error, view, SIZE_MAX);
        return false;
    }
    const size_t start = place(document, view);
    error = document.get_object().get(object);
    if (error != SUCCESS) {
        fault = error == INCORRECT_TYPE ? nt_json_fault{NT_NOT_AN_OBJECT, start} : fault_of(error, view, start);
        return false;
    }
    TreeReader reader(tree, view.data());
    if (!reader.add_object(object, start, 1)) {
        fault = fault_of(reader.is_too_deep ? DEPTH_ERROR : reader.error, view, place(document, view));
        return false;
    }
    fault = {NT_TRAILING, place(document, view)};
    return fault.offset == SIZE_MAX;
}

}  // namespace

nt_json_tree *nt_json_tree_create(const uint8_t *bytes, size_t count, nt_json_fault *fault) {
    nt_json_fault found{NT_LINE_TOO_LONG, SIZE_MAX};
    nt_json_tree *tree = nullptr;
    // Strings are indexed with 32 bits, and no alert, fixture line or configuration comes near.
    if (count <= UINT32_MAX / 2 && (tree = new (std::nothrow) nt_json_tree()) != nullptr) {
        const padded_string text(reinterpret_cast<const char *>(bytes), count);
        if (read(*tree, text, found)) { return tree; }
        delete tree;
    }
    if (fault != nullptr) { *fault = found; }
    return nullptr;
}

const nt_json_node *nt_json_tree_nodes(const nt_json_tree *tree, size_t *count) {
    *count = tree->nodes.size();
    return tree->nodes.data();
}

const uint8_t *nt_json_tree_text(const nt_json_tree *tree) { return reinterpret_cast<const uint8_t *>(tree->text.data()); }

void nt_json_tree_destroy(nt_json_tree *tree) { delete tree; }
