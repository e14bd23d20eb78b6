using static TorchSharp.torch;

namespace DistillOnnx.Training.Tests.T5;

/// <summary>Compares a tensor with expected values, relative to the largest of them.</summary>
internal static class Close
{
    public const double Tolerance = 1e-4;

    public static void Assert(ReadOnlySpan<float> expected, Tensor actual, string what, double tolerance = Tolerance, double floor = 1e-12)
    {
        using var flat = actual.detach().to(ScalarType.Float32).contiguous();
        Xunit.Assert.Equal(expected.Length, flat.numel());
        var values = flat.data<float>().ToArray();
        double scale = floor, worst = 0;
        for (var i = 0; i < values.Length; i++)
        {
            scale = Math.Max(scale, Math.Abs(expected[i]));
            var difference = Math.Abs(expected[i] - (double)values[i]);
            worst = double.IsNaN(difference) ? double.PositiveInfinity : Math.Max(worst, difference);
        }

        Xunit.Assert.True(worst <= tolerance * scale, $"{what}: differs by {worst / scale:g3} of the largest value, {scale:g3}");
    }
}
