// What simdjson alone does with the same bytes: the measure for `make bench`, and a second opinion for tests.

#include "CSimdjson.h"

#include <simdjson.h>

size_t nt_yardstick(const uint8_t *bytes, size_t count) {
    // One parser for all blocks of a file, as simdjson's manual asks for: its memory is set up once.
    thread_local simdjson::ondemand::parser parser;
#ifdef SIMDJSON_THREADS_ENABLED
    // The yardstick is one core's work, as one worker's is.
    parser.threaded = false;
#endif
    simdjson::ondemand::document_stream stream;
    const size_t batch = 1 << 20;
    if (parser.iterate_many(bytes, count, batch).get(stream) != simdjson::SUCCESS) { return 0; }
    size_t events = 0;
    uint64_t sum = 0;
    for (auto found : stream) {
        simdjson::ondemand::object object;
        if (found.get_object().get(object) != simdjson::SUCCESS) { continue; }
        std::string_view type, card, country;
        int64_t time;
        double amount;
        if (object.find_field("type").get_string().get(type) != simdjson::SUCCESS) { continue; }
        if (object.find_field("ts").get_int64().get(time) != simdjson::SUCCESS) { continue; }
        if (object.find_field("card").get_string().get(card) != simdjson::SUCCESS) { continue; }
        if (object.find_field("amount").get_double().get(amount) != simdjson::SUCCESS) { continue; }
        if (object.find_field("country").get_string().get(country) != simdjson::SUCCESS) { continue; }
        sum += type.size() + card.size() + country.size() + uint64_t(time) + uint64_t(int64_t(amount));
        events += 1;
    }
    // The sum keeps the compiler from leaving the reads out.
    volatile uint64_t kept = sum;
    (void)kept;
    return events;
}

int nt_reference_accepts(const uint8_t *bytes, size_t count) {
    simdjson::dom::parser parser;
    simdjson::dom::element element;
    return parser.parse(bytes, count, true).get(element) == simdjson::SUCCESS;
}
