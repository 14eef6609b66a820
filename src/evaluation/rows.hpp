#pragma once
/// Values collected batch by batch.

#include <ATen/ATen.h>

#include <vector>

namespace secgan {

/// Rows of several batches, one after the other, on the CPU.
class Rows {
 public:
  void add(const at::Tensor& rows) { parts_.push_back(rows.cpu()); }
  bool empty() const { return parts_.empty(); }
  at::Tensor all() const { return at::cat(parts_); }
  void reorder(const at::Tensor& order) {
    if (!parts_.empty()) parts_ = {all().index_select(0, order)};
  }
  at::Tensor doubles() const { return all().to(at::kDouble); }

 private:
  std::vector<at::Tensor> parts_;
};

/// Values of one batch by attribute, [B] each, as columns.
class Columns {
 public:
  void add(const at::Tensor& column) { columns_.push_back(column.to(at::kCPU, at::kDouble)); }
  void flush(Rows& rows) {
    if (!columns_.empty()) rows.add(at::stack(columns_, 1));
    columns_.clear();
  }

 private:
  std::vector<at::Tensor> columns_;
};

}  // namespace secgan
