#pragma once
/// The page's files, and photos that are opened, looked at and edited (src/web/openapi.json): requests in, answers out.

#include <map>
#include <string>
#include <string_view>

#include "secgan/alignment/faces.hpp"
#include "secgan/editing/editor.hpp"
#include "serve/http.hpp"
#include "serve/photos.hpp"

namespace secgan::serve {

struct ApiOptions {
  FaceDetector detector = {};                ///< empty: photos are taken as aligned
  uint64_t most_bytes = uint64_t{32} << 20;  ///< of a photo's file
  PhotoLimits limits = {};
};

/// Files by the path under which they are asked for, without the first slash; "index.html" is also "".
using Files = std::map<std::string, std::string>;

class Api {
 public:
  Api(Editor editor, const Files& files, ApiOptions options);

  /// Before the body is read: whether there is such a place, and may be such a body.
  /// @param length  of the body   @throws Refusal
  void admit(const Request& request, uint64_t length) const;
  /// Whether `answer` runs networks or decodes photos: such requests one at a time.
  static bool takes_long(const Request& request);
  /// Of a request that was admitted; an error, too, is an answer.
  Answer answer(const Request& request, Clock::time_point now);
  void forget_unused(Clock::time_point now) { photos_.forget_unused(now); }
  /// The path for a log: ids of photos let whoever knows them see these, and are cut.
  static std::string loggable(std::string_view path);

 private:
  struct Route;
  struct Asked;
  static const std::vector<Route>& routes();
  static const Route* route(const Request& request);

  Answer open(const Asked& asked);
  Answer forget(const Asked& asked);
  Answer look(const Asked& asked);
  Answer edit(const Asked& asked);
  Answer masks(const Asked& asked);
  std::shared_ptr<const OpenedPhoto> photo(const Asked& asked);

  Editor editor_;
  ApiOptions options_;
  std::map<std::string, Answer> files_;
  Photos photos_;
};

}  // namespace secgan::serve
