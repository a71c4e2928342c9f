#include "onednn/primitive.h"

namespace calibr8::onednn {
namespace {

DataType ourType(dnnl::memory::data_type type) {
  switch (type) {
    case dnnl::memory::data_type::u8:
      return DataType::kUint8;
    case dnnl::memory::data_type::s8:
      return DataType::kInt8;
    case dnnl::memory::data_type::s32:
      return DataType::kInt32;
    default:
      return DataType::kFloat32;
  }
}

}  // namespace

Description::Description(dnnl::primitive_desc_base pd, std::vector<int> postOpArguments)
    : pd_(std::move(pd)),
      postOpArguments_(std::move(postOpArguments)),
      implementation_(pd_.impl_info_str()),
      scratchpad_(pd_.scratchpad_desc()) {}

Quality Description::quality() const {
  // "ref:any", "lrn_ref:any"
  if (implementation_.rfind("ref", 0) == 0 || implementation_.find("_ref:") != std::string::npos)
    return Quality::kReference;
  if (implementation_.find("gemm:") != std::string::npos ||
      implementation_.find(":gemm") != std::string::npos || implementation_.rfind("gemm", 0) == 0) {
    return Quality::kGemm;
  }
  return Quality::kOptimized;
}

Layout Description::query(dnnl::query what, int index) const {
  dnnl::memory::desc desc = pd_.query_md(what, index);
  return Layout(desc, ourType(desc.data_type()));
}

Layout Description::source(int index) const { return query(dnnl::query::src_md, index); }
Layout Description::weights() const { return query(dnnl::query::weights_md, 0); }
Layout Description::destination() const { return query(dnnl::query::dst_md, 0); }

dnnl::primitive Description::create() const { return dnnl::primitive(pd_.get()); }

LibraryInfo libraryInfo() {
  const dnnl_version_t* version = dnnl_version();
  LibraryInfo info;
  info.version = std::to_string(version->major) + "." + std::to_string(version->minor) + "." +
                 std::to_string(version->patch);
  switch (version->cpu_runtime) {
    case DNNL_RUNTIME_OMP:
      info.runtime = "omp";
      break;
    case DNNL_RUNTIME_TBB:
      info.runtime = "tbb";
      break;
    case DNNL_RUNTIME_THREADPOOL:
      info.runtime = "threadpool";
      break;
    case DNNL_RUNTIME_SEQ:
      info.runtime = "seq";
      break;
    default:
      info.runtime = "unknown";
  }
  int isa = static_cast<int>(dnnl::get_effective_cpu_isa());
  struct Name {
    int bits;
    const char* name;
    bool vnni;
  };
  // The best comes first; a level is available when all its bits are.
  const Name names[] = {
      {dnnl_cpu_isa_avx512_core_amx, "avx512_core_amx", true},
      {dnnl_cpu_isa_avx512_core_bf16, "avx512_core_bf16", true},
      {dnnl_cpu_isa_avx512_core_vnni, "avx512_core_vnni", true},
      {dnnl_cpu_isa_avx512_core, "avx512_core", false},
      {dnnl_cpu_isa_avx2_vnni, "avx2_vnni", true},
      {dnnl_cpu_isa_avx2, "avx2", false},
      {dnnl_cpu_isa_avx, "avx", false},
      {dnnl_cpu_isa_sse41, "sse41", false},
  };
  info.isa = "none";
  info.vnni = false;
  for (const Name& name : names) {
    if ((isa & name.bits) != name.bits) continue;
    info.isa = name.name;
    info.vnni = name.vnni;
    break;
  }
  return info;
}

}  // namespace calibr8::onednn
