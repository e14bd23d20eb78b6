using System.Globalization;
using DistillOnnx.Core;
using DistillOnnx.Core.Prediction;

namespace DistillOnnx.Runtime.Golden;

/// <summary>Runs a bundle on its own golden rows: a last look before it answers anybody.</summary>
public static class GoldenCheck
{
    /// <summary>
    /// Compares answers with the golden ones. Probabilities may differ by the rounding of the precision that runs (fp32
    /// 0.001, fp16 0.02, smaller ones 0.2), and a label may change only where the golden answer was closer than that.
    /// </summary>
    /// <param name="predictor">The opened bundle.</param>
    /// <param name="cancellationToken">Stops the run.</param>
    /// <returns>How many rows were checked.</returns>
    /// <exception cref="InputException">There are no golden rows, or an answer differs.</exception>
    public static int Run(BundlePredictor predictor, CancellationToken cancellationToken = default)
    {
        var rows = GoldenFile.Read(predictor.Bundle.Directory);
        var answers = predictor.Predict([.. rows.Select(r => new PredictorInput(r.Input, r.Choices))], cancellationToken);
        var tolerance = Tolerance(predictor.Bundle.Precision);
        for (var i = 0; i < rows.Count; i++)
        {
            var fault = Compare(rows[i], answers[i], tolerance);
            if (fault is not null)
                throw new InputException($"{Path.Combine(predictor.Bundle.Directory, GoldenFile.FileName)}: row {i + 1}: {fault}");
        }

        return rows.Count;
    }

    internal static double Tolerance(string precision) => precision switch
    {
        "fp32" => 1e-3,
        "fp16" => 2e-2,
        _ => 0.2,
    };

    internal static string? Compare(GoldenRow expected, LabelPrediction found, double tolerance)
    {
        if (expected.Probabilities is not { } wanted)
            return expected.Label == found.Label || tolerance > 1e-3 ? null : $"expected \"{expected.Label}\", found \"{found.Label}\"";
        if (found.Probabilities is not { } given || given.Count != wanted.Count)
            return $"expected {wanted.Count} probabilities, found {found.Probabilities?.Count ?? 0}";
        for (var label = 0; label < wanted.Count; label++)
        {
            if (!(Math.Abs(wanted[label] - given[label]) <= tolerance))
                return string.Create(
                    CultureInfo.InvariantCulture,
                    $"expected probability {label} to be {wanted[label]:0.#####}, found {given[label]:0.#####}");
        }

        var ranked = wanted.OrderDescending().ToArray();
        var decided = ranked.Length < 2 || ranked[0] - ranked[1] > 2 * tolerance;
        return decided && expected.Label != found.Label ? $"expected \"{expected.Label}\", found \"{found.Label}\"" : null;
    }
}
