// Functions of a given name and number of arguments that stand before others.
#pragma once

#include "probe/original.hpp"

#define PARAMETERS_1 Word a
#define PARAMETERS_2 PARAMETERS_1, Word b
#define PARAMETERS_3 PARAMETERS_2, Word c
#define PARAMETERS_4 PARAMETERS_3, Word d
#define PARAMETERS_5 PARAMETERS_4, Word e
#define PARAMETERS_6 PARAMETERS_5, Word f
#define PARAMETERS_7 PARAMETERS_6, Word g
#define PARAMETERS_8 PARAMETERS_7, Word h
#define PARAMETERS_9 PARAMETERS_8, Word i
#define PARAMETERS_10 PARAMETERS_9, Word j
#define PARAMETERS_11 PARAMETERS_10, Word k
#define PARAMETERS_12 PARAMETERS_11, Word l
#define PARAMETERS_13 PARAMETERS_12, Word m
#define ARGUMENTS_1 a
#define ARGUMENTS_2 ARGUMENTS_1, b
#define ARGUMENTS_3 ARGUMENTS_2, c
#define ARGUMENTS_4 ARGUMENTS_3, d
#define ARGUMENTS_5 ARGUMENTS_4, e
#define ARGUMENTS_6 ARGUMENTS_5, f
#define ARGUMENTS_7 ARGUMENTS_6, g
#define ARGUMENTS_8 ARGUMENTS_7, h
#define ARGUMENTS_9 ARGUMENTS_8, i
#define ARGUMENTS_10 ARGUMENTS_9, j
#define ARGUMENTS_11 ARGUMENTS_10, k
#define ARGUMENTS_12 ARGUMENTS_11, l
#define ARGUMENTS_13 ARGUMENTS_12, m

/// `name` with so many arguments is function(original, more ..., arguments ...).
#define WRAPPED(name, arguments, function, ...)                                  \
  PACELINE_EXPORT Word name(PARAMETERS_##arguments) {                            \
    static constinit Original original{#name};                                   \
    return function(original, __VA_ARGS__ __VA_OPT__(, ) ARGUMENTS_##arguments); \
  }
/// Without arguments.
#define WRAPPED_0(name, function, ...)                    \
  PACELINE_EXPORT Word name() {                           \
    static constinit Original original{#name};            \
    return function(original __VA_OPT__(, ) __VA_ARGS__); \
  }
