// SPDX-License-Identifier: Apache-2.0
// DDL_CLONES before a function compiles it for AVX-512, AVX2 and plain x86-64; the loader picks
// once, by the processor. What it calls has to be inlined (DDL_INLINE) to be cloned along, and is
// code of the GPU too where nvcc compiles it. DDL_UNROLL before a loop of a GPU's code keeps the
// arrays that it counts through in registers; DDL_ROLLED keeps a loop of much code from that.
#pragma once

// Sanitizers cannot run before the loader's choice is made, so they get the plain version.
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__) || defined(__clang__)
#define DDL_CLONES
#else
#define DDL_CLONES __attribute__((target_clones("arch=x86-64-v4", "arch=x86-64-v3", "default")))
#endif
#if defined(__CUDACC__)
#define DDL_INLINE __host__ __device__ __forceinline__
#else
#define DDL_INLINE [[gnu::always_inline]] inline
#endif
#if defined(__CUDA_ARCH__)
#define DDL_UNROLL _Pragma("unroll")
#define DDL_ROLLED _Pragma("unroll 1")
#else
#define DDL_UNROLL
#define DDL_ROLLED
#endif
