#include "study/fit/models.hpp"

namespace paceline {
namespace {

double cores_of(const Layout& layout) { return static_cast<double>(layout.ranks) * layout.threads; }

/// Part of a whole; of nothing, no part.
double share(double part, double whole) { return whole > 0 ? part / whole : 0; }

constexpr ModelParameter amdahl_parameters[] = {{"serial_fraction", 0, 1}, {"t1_s"}};
constexpr ModelParameter usl_parameters[] = {{"contention"}, {"coherency"}, {"t1_s"}};
constexpr ModelParameter two_level_parameters[] = {{"process_fraction", 0, 1}, {"thread_fraction", 0, 1}, {"t1_s"}};

constexpr Model table[] = {
    {
        .name = "amdahl",
        .mode = ScalingMode::strong,
        .formula = "T(p) = t1_s*(s + (1-s)/p)",
        .source =
            "G. M. Amdahl, Validity of the single processor approach, AFIPS Spring Joint Computer Conference 1967",
        .parameters = amdahl_parameters,
        .predict = [](const Values& v, const Layout& l) { return v[1] * (v[0] + (1 - v[0]) / cores_of(l)); },
        .terms =
            [](const Layout& l) {
              return Values{1, 1 / cores_of(l)};
            },
        .coefficients =
            [](const Values& v) {
              return Values{v[1] * v[0], v[1] * (1 - v[0])};
            },
        .values =
            [](const Values& c) {
              return Values{share(c[0], c[0] + c[1]), c[0] + c[1]};
            },
        .needs = "2 different numbers of cores",
    },
    {
        // The scaled speed-up is S(p) = p*T(1)/T(p) = s + (1-s)*p where the work grows as the cores do.
        .name = "gustafson",
        .mode = ScalingMode::weak,
        .formula = "T(p) = t1_s*p/(s + (1-s)*p)",
        .source = "J. L. Gustafson, Reevaluating Amdahl's law, Communications of the ACM 31(5), 1988",
        .parameters = amdahl_parameters,
        .predict =
            [](const Values& v, const Layout& l) {
              const double p = cores_of(l);
              return v[1] * p / (v[0] + (1 - v[0]) * p);
            },
        .terms =
            [](const Layout& l) {
              return Values{1, cores_of(l)};
            },
        .coefficients =
            [](const Values& v) {
              return Values{v[0] / v[1], (1 - v[0]) / v[1]};
            },
        .values =
            [](const Values& c) {
              return Values{share(c[0], c[0] + c[1]), 1 / (c[0] + c[1])};
            },
        .needs = "2 different numbers of cores",
    },
    {
        .name = "usl",
        .mode = ScalingMode::strong,
        .formula = "T(p) = t1_s*(1 + contention*(p-1) + coherency*p*(p-1))/p",
        .source =
            "N. J. Gunther, A simple capacity model of massively parallel transaction systems, CMG 1993, and Guerrilla "
            "Capacity Planning, Springer 2007",
        .parameters = usl_parameters,
        .predict =
            [](const Values& v, const Layout& l) {
              const double p = cores_of(l);
              return v[2] * (1 + v[0] * (p - 1) + v[1] * p * (p - 1)) / p;
            },
        .terms =
            [](const Layout& l) {
              const double p = cores_of(l);
              return Values{(p - 1) / p, p - 1, 1 / p};
            },
        .coefficients =
            [](const Values& v) {
              return Values{v[2] * v[0], v[2] * v[1], v[2]};
            },
        .values =
            [](const Values& c) {
              return Values{c[0] / c[2], c[1] / c[2], c[2]};
            },
        .needs = "3 different numbers of cores",
    },
    {
        .name = "two-level",
        .mode = ScalingMode::strong,
        .formula = "T(r,t) = t1_s*(1-a + a/r*(1-b + b/t))",
        .source = "S. Tang, B.-S. Lee and B. He, Speedup for multi-level parallel computing (E-Amdahl's law), IPDPS "
                  "Workshops "
                  "2012, doi:10.1109/IPDPSW.2012.72",
        .parameters = two_level_parameters,
        .predict = [](const Values& v,
                      const Layout& l) { return v[2] * (1 - v[0] + v[0] / l.ranks * (1 - v[1] + v[1] / l.threads)); },
        .terms =
            [](const Layout& l) {
              return Values{1, 1.0 / l.ranks, 1 / cores_of(l)};
            },
        .coefficients =
            [](const Values& v) {
              return Values{v[2] * (1 - v[0]), v[2] * v[0] * (1 - v[1]), v[2] * v[0] * v[1]};
            },
        .values =
            [](const Values& c) {
              const double t1 = c[0] + c[1] + c[2];
              return Values{share(c[1] + c[2], t1), share(c[2], c[1] + c[2]), t1};
            },
        .needs = "several numbers of ranks and several of threads",
    },
};

}  // namespace

std::span<const Model> models() { return table; }

const Model* find_model(std::string_view name) {
  for (const auto& model : table) {
    if (model.name == name) return &model;
  }
  return nullptr;
}

}  // namespace paceline
