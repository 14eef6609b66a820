#pragma once
/// A bundle behind HTTP: who may ask, how often, and one thing after another.

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "serve/api.hpp"

namespace secgan::serve {

struct ServiceOptions {
  std::string host = "127.0.0.1";
  uint16_t port = 8080;                              ///< 0: a free one
  std::vector<std::string> names = {};               ///< other hosts that requests may name, as behind a proxy
  double requests_per_minute = 240;                  ///< of an address; 0: no limit
  int64_t threads = 0;                               ///< of the networks; 0: as measured
  std::function<void(const std::string&)> log = {};  ///< a line for each answer
};

class Service {
 public:
  /// Serves.  @throws Error for a place that cannot be listened on
  Service(const ServiceOptions& options, Editor editor, const Files& files, const ApiOptions& api);
  /// What is being edited is finished, what waits is told that the server ends.
  ~Service();
  Service(const Service&) = delete;
  Service& operator=(const Service&) = delete;

  /// "http://127.0.0.1:8080/"
  std::string address() const;
  /// From time to time: photos that nobody uses are forgotten.
  void tidy();

 private:
  struct Parts;
  std::unique_ptr<Parts> parts_;
};

}  // namespace secgan::serve
