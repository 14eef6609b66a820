#pragma once
/// Who may ask: requests that name this server, of pages that it gave out itself.

#include <string>
#include <string_view>
#include <vector>

#include "serve/http.hpp"

namespace secgan::serve {

/// Whether an address is this machine's own: "localhost", 127.0.0.0/8, "::1".
bool is_loopback(std::string_view host);

/// A page of a stranger's may point a name of its own at this server (DNS rebinding), and then counts as the server's; what it cannot
/// choose is the name in its requests. So requests must name the server as its user does. The port is not compared: tunnels and containers
/// change it, and a stranger's page does not.
class Access {
 public:
  /// @param host  that the server is bound to; of one that is no loopback address any address is taken, as no name can be pointed at it
  /// @param names  others by which it is known, as behind a proxy, without a port
  Access(const std::string& host, std::vector<std::string> names);

  /// @throws Refusal: 421 for another host, 403 for a page of another origin
  void check(const Request& request) const;

 private:
  bool knows(const std::string& name) const;

  std::string host_;
  std::vector<std::string> names_;
};

}  // namespace secgan::serve
