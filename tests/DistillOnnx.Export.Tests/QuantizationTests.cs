using CsCheck;
using DistillOnnx.Export.Onnx;
using DistillOnnx.Export.Weights;

namespace DistillOnnx.Export.Tests;

public sealed class QuantizationTests
{
    private static Gen<(float[] Values, int Rows, int Columns)> Matrix { get; } =
        Gen.Select(Gen.Int[1, 9], Gen.Int[1, 70])
            .SelectMany(s => Gen.Float[-3, 3].Array[s.Item1 * s.Item2].Select(v => (v, s.Item1, s.Item2)));

    [Fact]
    public void ByColumn_AnyMatrix_IsWithinHalfAStepAndCannotSaturate() => Matrix.Sample(m =>
    {
        var scales = Quantization.ColumnScales(m.Values, m.Rows, m.Columns);
        var quantized = Quantization.ByColumn(m.Values, m.Rows, m.Columns, scales);
        for (var i = 0; i < quantized.Length; i++)
        {
            // Two products of an unsigned byte and such a weight fit sixteen bits.
            Assert.InRange(2 * 255 * Math.Abs((int)quantized[i]), 0, short.MaxValue);
            Assert.InRange(Math.Abs((quantized[i] * scales[i % m.Columns]) - m.Values[i]), 0, (0.5f * scales[i % m.Columns]) + 1e-5f);
        }
    });

    /// <summary>
    /// The scale of such a column has a handful of bits: 1363 of the smallest steps over 64 is 21, and 1363 over 21 is 65.
    /// </summary>
    [Fact]
    public void ByColumn_ColumnOfSubnormalValues_KeepsToTheLimit()
    {
        float[] values = [1363 * float.Epsilon, -1363 * float.Epsilon];
        Assert.Equal(
            [Quantization.Int8Limit, -Quantization.Int8Limit],
            Quantization.ByColumn(values, 2, 1, Quantization.ColumnScales(values, 2, 1)));
    }

    [Fact]
    public void ByRow_AnyMatrix_IsWithinHalfAStep() => Matrix.Sample(m =>
    {
        var scales = Quantization.RowScales(m.Values, m.Rows, m.Columns);
        var quantized = Quantization.ByRow(m.Values, m.Rows, m.Columns, scales);
        for (var i = 0; i < quantized.Length; i++)
            Assert.InRange(Math.Abs((quantized[i] * scales[i / m.Columns]) - m.Values[i]), 0, (0.5f * scales[i / m.Columns]) + 1e-5f);
    });

    [Fact]
    public void ByBlock_MultipliedByOnnxRuntime_IsTheProductWithTheUnpackedWeights()
    {
        const int outputs = 5, inputs = 70, blocks = 3;
        var random = new Random(3);
        var values = Enumerable.Range(0, outputs * inputs).Select(_ => (float)((2 * random.NextDouble()) - 1)).ToArray();
        var (packed, scales) = Quantization.ByBlock(values, outputs, inputs);
        float Unpacked(int o, int i)
        {
            var block = (o * blocks) + (i / Quantization.BlockSize);
            var pair = packed[(block * Quantization.BlockSize / 2) + (i % Quantization.BlockSize / 2)];
            return (((i & 1) == 0 ? pair & 0xF : pair >> 4) - 8) * scales[block];
        }

        var graph = new GraphBuilder("blocks");
        var x = graph.Input("x", ElementType.Float, "rows", inputs);
        var y = graph.Node(
            "com.microsoft.MatMulNBits",
            [x, graph.Constant(packed, outputs, blocks, Quantization.BlockSize / 2), graph.Constant(scales, outputs * blocks)],
            ("K", inputs), ("N", outputs), ("bits", 4), ("block_size", Quantization.BlockSize));
        graph.Output(y, "y", ElementType.Float, "rows", outputs);
        using var session = OnnxGraph.Of(graph);
        var input = Enumerable.Range(0, inputs).Select(i => MathF.Sin(i)).ToArray();
        var found = session.Run(("x", input, [1, inputs]))["y"].Values;
        for (var o = 0; o < outputs; o++)
        {
            Assert.Equal(Enumerable.Range(0, inputs).Sum(i => (double)input[i] * Unpacked(o, i)), found[o], 1e-4);
            for (var i = 0; i < inputs; i++)
                Assert.InRange(
                    Math.Abs(Unpacked(o, i) - values[(o * inputs) + i]), 0,
                    1.001f * Math.Abs(scales[(o * blocks) + (i / Quantization.BlockSize)]));
        }
    }
}
