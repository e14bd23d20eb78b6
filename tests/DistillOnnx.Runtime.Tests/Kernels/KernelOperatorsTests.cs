using CsCheck;
using DistillOnnx.Export.Onnx;
using DistillOnnx.Export.Onnx.Proto;
using DistillOnnx.Export.T5;
using DistillOnnx.Runtime.Sessions;
using Microsoft.ML.OnnxRuntime;

namespace DistillOnnx.Runtime.Tests.Kernels;

/// <summary>Each kernel against the operators that define it, which ONNX Runtime runs.</summary>
public sealed class KernelOperatorsTests
{
    private static readonly Gen<(int Rows, int Tokens, int Width, int Seed)> Shapes = Gen.Select(
        Gen.Int[1, 3], Gen.Int[1, 40], Gen.OneOf(Gen.Int[1, 130], Gen.Const(512), Gen.Const(2048)), Gen.Int);

    private static readonly Gen<int> Lengths = Gen.OneOf(Gen.Int[1, 70], Gen.Const(128), Gen.Const(300));
    private static readonly Gen<int> HeadSizes = Gen.OneOf(Gen.Const(4), Gen.Const(16), Gen.Const(24), Gen.Const(64));

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void Quantize_AnyRows_IsBitByBitTheSame(bool rectify) => Shapes.Sample(
        shape =>
        {
            var (rows, tokens, width, seed) = shape;
            var x = Values(rows * tokens * width, seed, 3);

            // Rows of zeros, of hardly anything, of very much, and without a positive number.
            x.AsSpan(0, width).Clear();
            if (tokens > 1) Scale(x.AsSpan(width, width), 1e-37f);
            if (tokens > 2) Scale(x.AsSpan(2 * width, width), 1e30f);
            if (tokens > 3) foreach (ref var value in x.AsSpan(3 * width, width)) value = -Math.Abs(value);
            using var graph = new OperatorGraph();
            var input = graph.Input(x, rows, tokens, width);
            graph.Outputs(
                g => g.Call(rectify ? RowFunctions.QuantizeRectifiedRows : RowFunctions.QuantizeRows, [input], ("size", width)),
                (ElementType.UInt8, [rows, tokens, width]), (ElementType.Float, [rows, tokens, 1]));
            var (expected, found) = (graph.Run(kernels: false), graph.Run(kernels: true));
            Assert.Equal(expected[1], found[1]);
            Assert.Equal(expected[0], found[0]);
        },
        iter: 40);

    [Fact]
    public void AddNormQuantize_AnyRows_IsTheSameButForRounding() => Shapes.Sample(
        shape =>
        {
            var (rows, tokens, width, seed) = shape;
            using var graph = new OperatorGraph();
            var x = graph.Input(Values(rows * tokens * width, seed, 2), rows, tokens, width);
            var delta = graph.Input(Values(rows * tokens * width, seed + 1, 50), rows, tokens, width);
            var scale = graph.Input(Values(rows * tokens, seed + 2, 0.05f), rows, tokens, 1);
            var weight = graph.Input(Values(width, seed + 3, 1), width);
            graph.Outputs(
                g => g.Call(RowFunctions.AddNormQuantize, [x, delta, scale, weight], ("size", width), ("epsilon", 1e-6f)),
                (ElementType.Float, [rows, tokens, width]), (ElementType.UInt8, [rows, tokens, width]),
                (ElementType.Float, [rows, tokens, 1]));
            var (expected, found) = (graph.Run(kernels: false), graph.Run(kernels: true));
            Near(expected[0], found[0], 1e-5f);
            Near(expected[1], found[1], 1);
            Near(expected[2], found[2], 1e-5f);
        },
        iter: 40);

    [Fact]
    public void QuantizeGatedGelu_AnyRows_IsTheSameButForRounding() => Shapes.Sample(
        shape =>
        {
            var (rows, tokens, width, seed) = shape;
            using var graph = new OperatorGraph();
            var gate = graph.Input(Values(rows * tokens * width, seed, 300), rows, tokens, width);
            var linear = graph.Input(Values(rows * tokens * width, seed + 1, 200), rows, tokens, width);
            var scale = graph.Input([.. Values(rows * tokens, seed + 2, 0.02f).Select(Math.Abs)], rows, tokens, 1);
            graph.Outputs(
                g => g.Call(RowFunctions.QuantizeGatedGeluRows, [gate, linear, scale], ("size", width)),
                (ElementType.UInt8, [rows, tokens, width]), (ElementType.Float, [rows, tokens, 1]));
            var (expected, found) = (graph.Run(kernels: false), graph.Run(kernels: true));
            Near(expected[0], found[0], 1);
            Near(expected[1], found[1], 2e-5f);
        },
        iter: 40);

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void Attend_AnyShapeAndMask_IsTheSameAtTokens(bool scaled) =>
        Gen.Select(Gen.Int[1, 3], Lengths, Gen.Int[1, 4], HeadSizes, Gen.Int)
            .Sample(
                shape =>
                {
                    var (rows, length, heads, size, seed) = shape;
                    var width = heads * size;
                    var mask = Mask(rows, length, seed);
                    using var graph = new OperatorGraph();
                    Value Tokens(int number, float most, int columns) =>
                        graph.Input(Values(rows * length * columns, seed + number, most), rows, length, columns);
                    Value[] qkv = [Tokens(0, 1, width), Tokens(1, 1, width), Tokens(2, 1, width)];
                    var bias = graph.Input(Values(heads * length * length, seed + 3, 2), 1, heads, length, length);
                    if (scaled)
                    {
                        Value[] inputs = [.. qkv, Tokens(4, 2, 1), bias, graph.Input([.. mask.Select(m => (long)m)], rows, length)];
                        graph.Outputs(
                            g => g.Call(RowFunctions.AttendRows, inputs, ("heads", heads)), (ElementType.Float, [rows, length, width]));
                    }
                    else
                    {
                        Value[] inputs = [.. qkv, Value.None, graph.Input(mask, rows, length), bias];
                        graph.Outputs(
                            g => [MultiHeadAttention(g, inputs, heads)], (ElementType.Float, [rows, length, width]));
                    }

                    var (expected, found) = (graph.Run(kernels: false)[0], graph.Run(kernels: true)[0]);

                    // Long rows of scaled tokens take products of 16 bits. Values are up to 2, of which eight bits have steps of 0.016.
                    var error = scaled && length > 64 ? 5e-3f : 2e-5f;
                    for (var i = 0; i < found.Length; i++)
                    {
                        if (mask[i / width] == 0) Assert.Equal(0, found[i]);
                        else Assert.Equal(expected[i], found[i], error);
                    }
                },
                iter: 60);

    /// <summary>Vectors of one element, of nothing, of very much and of hardly anything, and a value that outweighs all others.</summary>
    [Fact]
    public void Attend_LongRowOfUnevenTokens_IsTheSame()
    {
        const int length = 130, size = 64;
        var (q, k, v) = (Values(length * size, 1, 1), Values(length * size, 2, 1), Values(length * size, 3, 1));
        foreach (var x in (float[][])[q, k])
        {
            x.AsSpan(0, size).Clear();
            x[7] = 9;
            x.AsSpan(size, size).Clear();
            Scale(x.AsSpan(2 * size, size), 1e4f);
            Scale(x.AsSpan(3 * size, size), 1e-30f);
        }

        v.AsSpan(0, size).Fill(-3000);
        var scale = Enumerable.Range(0, length).Select(i => i == 2 ? 1e-4f : 1).ToArray();
        var (expected, found) = AttendOne(q, k, v, scale, size);
        for (var i = 0; i < found.Length; i++) Assert.Equal(expected[i], found[i], 1f);
    }

    /// <summary>What is no number must not be answered as if it were one.</summary>
    [Theory]
    [InlineData(0, 1)]
    [InlineData(1, 130)]
    [InlineData(2, 130)]
    public void Attend_LongRowWithWhatIsNoNumber_HasNoAnswerThere(int which, int tokens)
    {
        const int length = 130, size = 64;
        float[][] qkv = [Values(length * size, 1, 1), Values(length * size, 2, 1), Values(length * size, 3, 1)];
        qkv[which][5 * size + 9] = float.NaN;
        var (_, found) = AttendOne(qkv[0], qkv[1], qkv[2], [.. Enumerable.Repeat(1f, length)], size);
        Assert.Equal(tokens, Enumerable.Range(0, length).Count(token => !float.IsFinite(found[token * size + 9])));
    }

    [Fact]
    public void Attend_ManyRows_GivesEachWhatItHasAlone()
    {
        const int rows = 9, length = 40, heads = 3, size = 16, width = heads * size;
        var values = Enumerable.Range(0, 4).Select(i => Values(rows * length * width, i, 1)).ToArray();
        var (scales, bias, mask) = (Values(rows * length, 5, 2), Values(heads * length * length, 6, 1), Mask(rows, length, 7));
        float[] Run(int first, int count)
        {
            using var graph = new OperatorGraph();
            T[] Part<T>(T[] all, int each) => all[(first * each)..((first + count) * each)];
            Value[] inputs =
            [
                .. values.Take(3).Select(v => graph.Input(Part(v, length * width), count, length, width)),
                graph.Input(Part(scales, length), count, length, 1), graph.Input(bias, 1, heads, length, length),
                graph.Input([.. Part(mask, length).Select(m => (long)m)], count, length),
            ];
            graph.Outputs(g => g.Call(RowFunctions.AttendRows, inputs, ("heads", heads)), (ElementType.Float, [count, length, width]));
            return graph.Run(kernels: true)[0];
        }

        var together = Run(0, rows);
        for (var row = 0; row < rows; row++)
            Assert.Equal(Run(row, 1), together[(row * length * width)..((row + 1) * length * width)]);
    }

    /// <summary>One value that is no number must not be answered as if it were zero.</summary>
    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void Quantize_RowWithWhatIsNoNumber_HasNoScale(bool rectify)
    {
        var x = Values(3 * 100, 1, 1);
        (x[5], x[299]) = (float.NaN, -float.NaN);
        using var graph = new OperatorGraph();
        var input = graph.Input(x, 1, 3, 100);
        graph.Outputs(
            g => g.Call(rectify ? RowFunctions.QuantizeRectifiedRows : RowFunctions.QuantizeRows, [input], ("size", 100))[1..],
            (ElementType.Float, [1, 3, 1]));
        Assert.Equal([false, true, false], graph.Run(kernels: true)[0].Select(float.IsFinite));
    }

    private static (float[] Expected, float[] Found) AttendOne(float[] q, float[] k, float[] v, float[] scale, int size)
    {
        var length = scale.Length;
        using var graph = new OperatorGraph();
        Value[] inputs =
        [
            .. ((float[][])[q, k, v]).Select(x => graph.Input(x, 1, length, size)), graph.Input(scale, 1, length, 1),
            graph.Input(Values(length * length, 4, 1), 1, 1, length, length),
            graph.Input([.. Enumerable.Repeat(1L, length)], 1, length),
        ];
        graph.Outputs(g => g.Call(RowFunctions.AttendRows, inputs, ("heads", 1)), (ElementType.Float, [1, length, size]));
        return (graph.Run(kernels: false)[0], graph.Run(kernels: true)[0]);
    }

    [Fact]
    public void Run_ShapesThatDoNotGoTogether_SaysSo()
    {
        var fault = Fault(RowFunctions.AddNormQuantize, ("size", 8), ("epsilon", 1e-6f), [1, 2, 8], [1, 2, 7], [1, 2, 1], [8]);
        Assert.Contains("AddNormQuantize: shapes [1, 2, 8], [1, 2, 7], [1, 2, 1] and [8] do not go", fault, StringComparison.Ordinal);
        fault = Fault(RowFunctions.AddNormQuantize, ("size", 8), ("epsilon", 1e-6f), [1, 2, 8], [1, 2, 8], [1, 1, 1], [8]);
        Assert.Contains("do not go together", fault, StringComparison.Ordinal);
        fault = Fault(RowFunctions.AddNormQuantize, ("size", 8), ("epsilon", 1e-6f), [1, 2, 8], [2, 8], [1, 2, 1], [8]);
        Assert.Contains("do not go together", fault, StringComparison.Ordinal);
        fault = Fault(RowFunctions.QuantizeGatedGeluRows, ("size", 8), null, [1, 2, 8], [1, 2, 8], [1, 3, 1]);
        Assert.Contains("QuantizeGatedGeluRows: shapes", fault, StringComparison.Ordinal);

        static string Fault(FunctionProto function, (string, object) first, (string, object)? second, params long[][] shapes)
        {
            using var graph = new OperatorGraph();
            Value[] inputs = [.. shapes.Select(s => graph.Input(new float[s.Aggregate(1L, (a, b) => a * b)], s))];
            graph.Outputs(
                g => g.Call(function, inputs, second is { } more ? [first, more] : [first])[..1],
                (function == RowFunctions.AddNormQuantize ? ElementType.Float : ElementType.UInt8, [1, 2, 8]));
            return Assert.Throws<OnnxRuntimeException>(() => graph.Run(kernels: true)).Message;
        }
    }

    [Theory]
    [InlineData(0L, "expected a positive number, found 0")]
    [InlineData(3L, "do not go together")]
    public void Run_HeadsThatDoNotDivideTheWidth_SaysSo(long heads, string expected)
    {
        using var graph = new OperatorGraph();
        Value[] inputs =
        [
            .. Enumerable.Range(0, 3).Select(_ => graph.Input(new float[16], 1, 2, 8)), graph.Input(new float[2], 1, 2, 1),
            graph.Input(new float[8], 1, 2, 2, 2), graph.Input(new long[2], 1, 2),
        ];
        graph.Outputs(g => g.Call(RowFunctions.AttendRows, inputs, ("heads", heads)), (ElementType.Float, [1, 2, 8]));
        Assert.Contains(expected, Assert.Throws<OnnxRuntimeException>(() => graph.Run(kernels: true)).Message, StringComparison.Ordinal);
    }

    /// <summary>What a kernel does not know stays with ONNX Runtime: another scale, a mask that hides little, another attribute.</summary>
    [Theory]
    [InlineData(0.5f, -1e9f, null)]
    [InlineData(1f, -1f, null)]
    [InlineData(1f, -1e9f, "unidirectional")]
    public void Read_AttentionOfAnotherKind_IsLeftAsItIs(float scale, float hidden, string? attribute)
    {
        using var graph = new OperatorGraph();
        Value[] inputs =
        [
            .. Enumerable.Range(0, 3).Select(_ => graph.Input(new float[16], 1, 2, 8)), Value.None, graph.Input(new int[2], 1, 2),
            graph.Input(new float[8], 1, 2, 2, 2),
        ];
        (string, object)[] attributes = [("num_heads", 2), ("scale", scale), ("mask_filter_value", hidden)];
        if (attribute is not null) attributes = [.. attributes, (attribute, 1)];
        graph.Outputs(g => [g.Node("com.microsoft.MultiHeadAttention", inputs, attributes)], (ElementType.Float, [1, 2, 8]));
        var model = graph.Bytes();
        var outline = GraphOutline.Read(model, "x.onnx", kernels: true);
        Assert.False(outline.NeedsKernels);
        Assert.Equal(model, outline.Model);
    }

    [Fact]
    public void Read_GraphOfAnotherProgram_IsLeftAsItIs()
    {
        using var graph = new OperatorGraph();
        Value[] inputs =
        [
            .. Enumerable.Range(0, 3).Select(_ => graph.Input(new float[16], 1, 2, 8)), Value.None, graph.Input(new int[2], 1, 2),
            graph.Input(new float[8], 1, 2, 2, 2),
        ];
        graph.Outputs(g => [MultiHeadAttention(g, inputs, 2)], (ElementType.Float, [1, 2, 8]));
        var model = graph.Bytes();
        Assert.True(GraphOutline.Read(model, "x.onnx", kernels: true).NeedsKernels);
        model[model.AsSpan().IndexOf("DistillOnnx"u8)] = (byte)'X';
        Assert.False(GraphOutline.Read(model, "x.onnx", kernels: true).NeedsKernels);
    }

    /// <summary>The function takes a mask of any type, the kernel of one: the graph is then run as it stands in the file.</summary>
    [Fact]
    public void Open_GraphThatKernelsCannotTake_RunsWithoutThem()
    {
        using var graph = new OperatorGraph();
        var x = graph.Input(Values(2 * 64, 1, 1), 1, 2, 64);
        var (scale, bias) = (graph.Input(Values(2, 2, 1), 1, 2, 1), graph.Input(Values(16, 3, 1), 1, 4, 2, 2));
        var mask = graph.Input([1, 1], 1, 2);
        graph.Outputs(
            g =>
            {
                var q = g.MatMul(x, g.Constant(Values(64 * 64, 2, 1), 64, 64));
                return g.Call(RowFunctions.AttendRows, [q, q, q, scale, bias, mask], ("heads", 4));
            },
            (ElementType.Float, [1, 2, 64]));
        var path = Path.GetTempFileName();
        try
        {
            File.WriteAllBytes(path, graph.Bytes());
            using var weights = GraphWeights.TryRead(path, asTheyLie: false, kernels: true)!;
            Assert.True(weights.UsesKernels);
            using var session = new SessionFactory(new RuntimeOptions { Device = "cpu", Threads = 2 }).Create(path, 2, weights);
            Assert.False(weights.UsesKernels);
            Assert.Equal(["output0"], session.OutputNames);
        }
        finally
        {
            File.Delete(path);
        }
    }

    [Fact]
    public void Read_FunctionOfAnotherMeaning_IsKept()
    {
        var other = GraphBuilder.Function("ai.distillonnx", "QuantizeRows2", ["x"], [], (g, inputs) => [g.Node("Neg", inputs)]);
        using var graph = new OperatorGraph();
        var x = graph.Input([1f, -2f], 1, 1, 2);
        graph.Outputs(g => g.Call(other, [x]), (ElementType.Float, [1, 1, 2]));
        Assert.False(GraphOutline.Read(graph.Bytes(), "x.onnx", kernels: true).NeedsKernels);
        Assert.Equal([-1f, 2f], graph.Run(kernels: false)[0]);
    }

    private static Value MultiHeadAttention(GraphBuilder graph, Value[] inputs, int heads) => graph.Node(
        "com.microsoft.MultiHeadAttention", inputs, ("num_heads", heads), ("scale", 1f), ("mask_filter_value", T5Model.MaskedScore));

    private static float[] Values(int count, int seed, float most)
    {
        var random = new Random(seed);
        return [.. Enumerable.Range(0, count).Select(_ => most * ((2 * random.NextSingle()) - 1))];
    }

    /// <summary>Rows without padding, padded at the end, and with a hole; each has a token.</summary>
    private static int[] Mask(int rows, int length, int seed)
    {
        var random = new Random(seed);
        var mask = new int[rows * length];
        for (var row = 0; row < rows; row++)
        {
            var tokens = row == 0 ? length : random.Next(1, length + 1);
            mask.AsSpan(row * length, tokens).Fill(1);
            if (tokens > 2 && random.Next(2) == 0) mask[(row * length) + random.Next(tokens - 1)] = 0;
        }

        return mask;
    }

    private static void Scale(Span<float> values, float factor)
    {
        foreach (ref var value in values) value *= factor;
    }

    private static void Near(float[] expected, float[] found, float tolerance)
    {
        Assert.Equal(expected.Length, found.Length);
        for (var i = 0; i < expected.Length; i++)
            Assert.Equal(expected[i], found[i], tolerance * Math.Max(1, Math.Abs(expected[i])));
    }
}
