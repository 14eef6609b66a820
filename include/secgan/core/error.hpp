#pragma once
/// Exceptions of the library. Messages name the argument or file, the rule and what was found.

#include <stdexcept>
#include <string>

namespace secgan {

/// Something failed while running: a file, a format, a training run. Python: RuntimeError.
class Error : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

/// A file or folder that is not there. Python: FileNotFoundError.
class FileNotFound : public Error {
 public:
  using Error::Error;
};

/// An argument breaks its documented rule. Python: ValueError.
class InvalidArgument : public std::invalid_argument {
 public:
  using std::invalid_argument::invalid_argument;
};

}  // namespace secgan
