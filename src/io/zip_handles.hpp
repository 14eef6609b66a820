#pragma once
/// libzip's handles, closed by themselves.

#include <zip.h>

#include <memory>

namespace secgan::detail {

struct ZipError : zip_error_t {
  ZipError() : zip_error_t{} { zip_error_init(this); }
  ~ZipError() { zip_error_fini(this); }
  ZipError(const ZipError&) = delete;
  ZipError& operator=(const ZipError&) = delete;
};

struct CloseZip {
  void operator()(zip_t* archive) const { zip_discard(archive); }
  void operator()(zip_source_t* source) const { zip_source_free(source); }
  void operator()(zip_file_t* file) const { zip_fclose(file); }
};
using ZipHandle = std::unique_ptr<zip_t, CloseZip>;
using ZipSource = std::unique_ptr<zip_source_t, CloseZip>;
using ZipFile = std::unique_ptr<zip_file_t, CloseZip>;

}  // namespace secgan::detail
