using System.Numerics.Tensors;
using DistillOnnx.Core;
using DistillOnnx.Core.T5;
using DistillOnnx.Export.Onnx;
using DistillOnnx.Export.Weights;

namespace DistillOnnx.Export.T5;

/// <summary>
/// What all parts of a model in one graph share: the graph that is built, the checkpoint's weights, and constants made from them.
/// </summary>
/// <param name="graph">The graph to which the parts add their nodes.</param>
/// <param name="weights">The checkpoint's weights.</param>
/// <param name="form">How the graph is written.</param>
internal sealed class T5Context(GraphBuilder graph, T5Weights weights, GraphForm form)
{
    private readonly Dictionary<string, Value> _halves = new(StringComparer.Ordinal);
    private readonly Dictionary<string, QuantizedRows> _quantized = new(StringComparer.Ordinal);
    private readonly Dictionary<(Dim Length, string Name), Value> _once = [];

    /// <summary>The graph to which the parts add their nodes.</summary>
    public GraphBuilder Graph => graph;

    /// <summary>The checkpoint's weights.</summary>
    public T5Weights Weights => weights;

    /// <summary>How the graph is written.</summary>
    public GraphForm Form => form;

    /// <summary>The model's shape.</summary>
    public T5Config Config => weights.Config;

    /// <summary>
    /// Whether layers compute in half precision from norm to residual stream, by operators of ONNX Runtime's own; portable graphs in half
    /// precision have only their products in it.
    /// </summary>
    public bool HalfLayers => form is { Precision: GraphPrecision.Fp16, Portable: false };

    /// <summary>The residual stream of a stack is held as 2^−this of its true value.</summary>
    public int ResidualExponent(bool isDecoder) => HalfLayers && !isDecoder ? weights.Half.EncoderResidual : 0;

    /// <summary>A layer's output in half precision as single, multiplied by a power of two.</summary>
    public Value Single(Value half, int exponent)
    {
        var single = graph.Cast(half, ElementType.Float);
        return exponent == 0 ? single : graph.Mul(single, graph.Scalar(MathF.ScaleB(1, exponent)));
    }

    /// <summary>A value in half precision; cast once, however often it is asked for.</summary>
    public Value Half(Value x)
    {
        if (!_halves.TryGetValue(x.Name, out var half)) _halves[x.Name] = half = graph.Cast(x, ElementType.Float16);
        return half;
    }

    /// <summary>A value in eight bits with a scale for each token; quantised once, however many products read it.</summary>
    /// <param name="x">[B, T, in].</param>
    /// <param name="length">T.</param>
    /// <param name="inputs">Its last dimension.</param>
    /// <param name="rectify">Whether negative numbers become 0.</param>
    public QuantizedRows Quantize(Value x, Dim length, int inputs, bool rectify = false)
    {
        if (!_quantized.TryGetValue(x.Name, out var rows))
            _quantized[x.Name] = rows = QuantizedRows.Of(this, x, length, inputs, rectify);
        return rows;
    }

    /// <summary>
    /// A value that exists in eight bits alone: it stands for the value itself, which nothing but <see cref="Quantize"/> can then read.
    /// </summary>
    public Value KnownQuantized(QuantizedRows rows)
    {
        _quantized[rows.Bytes.Name] = rows;
        return rows.Bytes;
    }

    /// <summary>
    /// A value that depends on the shape [B, T] alone, made once. Where T is a number, B may be 1 as well, so there it is made anew.
    /// </summary>
    /// <param name="length">T.</param>
    /// <param name="name">Tells values of the same length apart.</param>
    /// <param name="make">Adds its nodes.</param>
    public Value Once(Dim length, string name, Func<Value> make)
    {
        if (length.Size is not null) return make();
        if (!_once.TryGetValue((length, name), out var value)) _once[(length, name)] = value = make();
        return value;
    }

    /// <summary>A weight in single precision.</summary>
    public Value Weight(WeightMatrix matrix) => Constant(matrix, "", ElementType.Float, v => v);

    /// <summary>A weight in half precision.</summary>
    /// <exception cref="InputException">When the graph is written: a value is beyond the range of half precision.</exception>
    public Value HalfWeight(WeightMatrix matrix) => Constant(matrix, ".fp16", ElementType.Float16, values =>
    {
        var halves = new Half[values.Length];
        TensorPrimitives.ConvertTruncating<float, Half>(values, halves);
        var overflow = Array.FindIndex(halves, h => !System.Half.IsFinite(h));
        if (overflow < 0) return halves;
        var name = matrix.Name.Replace(".transposed", "", StringComparison.Ordinal);
        throw new InputException(FormattableString.Invariant(
            $"tensor \"{name}\" holds {values[overflow]}, beyond the range of fp16 (65504 either way); leave fp16 out of --precision"));
    });

    /// <summary>An initializer of a weight's shape, made from its values when the graph is written.</summary>
    /// <param name="matrix">The weight.</param>
    /// <param name="suffix">Added to the weight's name, so that each form of it is stored once.</param>
    /// <param name="type">The element type that the values are converted to.</param>
    /// <param name="convert">Makes the stored values.</param>
    public Value Constant<T>(WeightMatrix matrix, string suffix, ElementType type, Func<float[], T[]> convert)
        where T : unmanaged => Constant(matrix, suffix, type, matrix.Dims, convert);

    /// <summary>The same with another shape.</summary>
    public Value Constant<T>(WeightMatrix matrix, string suffix, ElementType type, IReadOnlyList<long> dims, Func<float[], T[]> convert)
        where T : unmanaged =>
        graph.Constant(
            matrix.Name + suffix, () => new TensorData(type, dims, stream => TensorData.Write<T>(stream, convert(matrix.Read()))));
}
