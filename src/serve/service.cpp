#include "serve/service.hpp"

#include <utility>

#include "core/format.hpp"
#include "serve/access.hpp"
#include "serve/http_server.hpp"
#include "serve/rate_limit.hpp"
#include "serve/work_queue.hpp"

namespace secgan::serve {
namespace {

constexpr size_t kMostWaiting = 16;
constexpr uint64_t kBodiesAtOnce = 8;

/// The page takes nothing from elsewhere, and is taken into nobody else's; answers are what they say, and nobody keeps them.
Texts headers() {
  return {
      {"Content-Security-Policy",
       "default-src 'self'; img-src 'self' blob: data:; media-src 'self' blob:; object-src 'none'; base-uri 'none'; form-action 'none'; "
       "frame-ancestors 'none'"},
      {"X-Content-Type-Options", "nosniff"},
      {"Referrer-Policy", "no-referrer"},
      {"Cross-Origin-Resource-Policy", "same-origin"},
      {"Cache-Control", "no-store"}};
}

Answer busy(std::string_view why) { return Refusal(503, "busy", why, {{"Retry-After", "1"}}).answer(); }

}  // namespace

struct Service::Parts {
  Access access;
  RateLimit rate;
  Api api;
  std::function<void(const std::string&)> log;
  WorkQueue queue;
  HttpServer server;

  Parts(const ServiceOptions& options, Editor editor, const Files& files, const ApiOptions& how)
      : access(options.host, options.names),
        rate(options.requests_per_minute),
        api(std::move(editor), files, how),
        log(options.log),
        queue(kMostWaiting, options.threads),
        server({.host = options.host, .port = options.port, .most_held = kBodiesAtOnce * how.most_bytes, .headers = headers()}, owner()) {}

  HttpOwner owner() {
    HttpOwner out{.admit = [this](const Request& request, uint64_t length) { admit(request, length); },
                  .answer = [this](const Request& request, const auto& done) { answer(request, done); }};
    if (log) {
      out.log = [this](const Request& request, const Answer& answer, Clock::duration took) {
        log(fmt::format("{} {} {}, {} bytes, {} ms", request.method, Api::loggable(request.path), answer.status,
                        answer.body ? answer.body->size() : 0, std::chrono::duration_cast<std::chrono::milliseconds>(took).count()));
      };
    }
    return out;
  }

  void admit(const Request& request, uint64_t length) {
    if (const int seconds = rate.wait(request.address, Clock::now()); seconds > 0) {
      throw Refusal(429, "too-many-requests", fmt::format("too many requests: the next one may come in {} s", seconds),
                    {{"Retry-After", std::to_string(seconds)}});
    }
    access.check(request);
    api.admit(request, length);
  }

  void answer(const Request& request, const std::function<void(Answer)>& done) {
    if (!Api::takes_long(request)) return done(api.answer(request, Clock::now()));
    const bool waits =
        queue.push([this, &request, done](bool wanted) { done(wanted ? api.answer(request, Clock::now()) : busy("the server ends")); });
    if (!waits) done(busy(fmt::format("{} others wait already", kMostWaiting)));
  }
};

Service::Service(const ServiceOptions& options, Editor editor, const Files& files, const ApiOptions& api)
    : parts_(std::make_unique<Parts>(options, std::move(editor), files, api)) {}

Service::~Service() {
  parts_->server.stop_listening();
  parts_->queue.end();  // the server waits for answers
}

std::string Service::address() const { return fmt::format("http://{}/", parts_->server.place()); }

void Service::tidy() { parts_->api.forget_unused(Clock::now()); }

}  // namespace secgan::serve
