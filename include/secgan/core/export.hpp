#pragma once

/// What libsecgan offers its users; everything else in it is hidden.
#ifdef __GNUC__
#define SECGAN_API __attribute__((visibility("default")))
#else
#define SECGAN_API
#endif
