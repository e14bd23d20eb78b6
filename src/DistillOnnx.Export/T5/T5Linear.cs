using DistillOnnx.Export.Onnx;
using DistillOnnx.Export.Weights;

namespace DistillOnnx.Export.T5;

/// <summary>
/// A projection without bias, in each precision: T5 has none anywhere. What comes in and goes out is single precision: norms,
/// softmax and the residual stream never see less.
/// </summary>
internal sealed class T5Linear
{
    private readonly T5Context _t5;
    private readonly bool _wide;

    /// <param name="t5">What all parts share.</param>
    /// <param name="weight">[in, out].</param>
    /// <param name="wide">Whether the result may overflow half precision.</param>
    public T5Linear(T5Context t5, WeightMatrix weight, bool wide = false)
    {
        _t5 = t5;
        _wide = wide;
        Weight = weight;
    }

    /// <summary>[in, out].</summary>
    public WeightMatrix Weight { get; }

    /// <summary>x·W: [B, T, in] → [B, T, out].</summary>
    /// <param name="x">The input.</param>
    /// <param name="length">T, for shapes that inference cannot know.</param>
    public Value Forward(Value x, Dim length)
    {
        var graph = _t5.Graph;
        switch (_t5.Form.Precision)
        {
            case GraphPrecision.Fp32:
                return graph.MatMul(x, _t5.Weight(Weight));
            case GraphPrecision.Fp16:
                // Stored in half precision; a runtime widens it when it loads the graph.
                if (_wide) return graph.MatMul(x, graph.Cast(_t5.HalfWeight(Weight), ElementType.Float));
                return graph.Cast(graph.MatMul(_t5.Half(x), _t5.HalfWeight(Weight)), ElementType.Float);
            case GraphPrecision.Int8:
                var rows = _t5.Quantize(x, length, Weight.Rows);
                return graph.Mul(MultiplyUnscaled(rows, length), rows.Scale);
            default:
                return ForwardQ4(x, length);
        }
    }

    /// <summary>2^−exponent · x·W in half precision: the factor is applied before the sum is rounded.</summary>
    /// <param name="x">The input, in half precision.</param>
    /// <param name="exponent">The factor's.</param>
    /// <param name="length">T.</param>
    public Value ForwardHalf(Value x, int exponent, Dim length)
    {
        var graph = _t5.Graph;
        if (exponent == 0) return graph.MatMul(x, _t5.HalfWeight(Weight));
        var product = graph.Node("com.microsoft.FusedMatMul", [x, _t5.HalfWeight(Weight)], ("alpha", MathF.ScaleB(1, -exponent)));
        return graph.Is(product, ElementType.Float16, T5Model.Batch, length, Weight.Columns);
    }

    /// <summary>Columns of W by ids of any shape: rows of the table [out, in] that a checkpoint stores, such as the embedding.</summary>
    public Value Rows(Value ids)
    {
        var graph = _t5.Graph;
        var table = Weight.Transposed();
        var (rows, columns) = (table.Rows, table.Columns);
        switch (_t5.Form.Precision)
        {
            case GraphPrecision.Fp32:
                return graph.Gather(_t5.Weight(table), ids);
            case GraphPrecision.Fp16:
                return graph.Cast(graph.Gather(_t5.HalfWeight(table), ids), ElementType.Float);
            default:
                var quantized = _t5.Constant(
                    table, ".int8", ElementType.Int8, v => Quantization.ByRow(v, rows, columns, Quantization.RowScales(v, rows, columns)));
                var scales = _t5.Constant(
                    table, ".row_scales", ElementType.Float, [rows, 1], v => Quantization.RowScales(v, rows, columns));
                return graph.Mul(graph.Cast(graph.Gather(quantized, ids), ElementType.Float), graph.Gather(scales, ids));
        }
    }

    /// <summary>W in eight bits with a scale per column.</summary>
    public (Value Quantized, Value Scales) ColumnQuantized()
    {
        var (rows, columns) = (Weight.Rows, Weight.Columns);
        var quantized = _t5.Constant(
            Weight, ".int8", ElementType.Int8, v => Quantization.ByColumn(v, rows, columns, Quantization.ColumnScales(v, rows, columns)));
        return (quantized, _t5.Constant(
            Weight, ".column_scales", ElementType.Float, [columns], v => Quantization.ColumnScales(v, rows, columns)));
    }

    /// <summary>A product in integers, before each token's scale: what it yields times <see cref="QuantizedRows.Scale"/> is x·W.</summary>
    /// <param name="x">[B, T, in] in eight bits.</param>
    /// <param name="length">T.</param>
    /// <returns>[B, T, out].</returns>
    public Value MultiplyUnscaled(QuantizedRows x, Dim length)
    {
        var graph = _t5.Graph;
        var (quantized, scales) = ColumnQuantized();
        var zero = graph.Scalar(x.ZeroPoint);
        if (_t5.Form.Portable)
            return graph.Mul(graph.Cast(graph.Node("MatMulInteger", [x.Bytes, quantized, zero]), ElementType.Float), scales);
        return graph.Is(
            graph.Node("com.microsoft.MatMulIntegerToFloat", [x.Bytes, quantized, graph.Scalar(1f), scales, zero]),
            ElementType.Float, T5Model.Batch, length, Weight.Columns);
    }

    /// <summary>A product in single precision with weights in four bits, stored as [out, in].</summary>
    private Value ForwardQ4(Value x, Dim length)
    {
        var stored = Weight.Transposed();
        var (outputs, inputs) = (stored.Rows, stored.Columns);
        var blocks = (inputs + Quantization.BlockSize - 1) / Quantization.BlockSize;
        var packed = _t5.Constant(
            stored, ".q4", ElementType.UInt8, [outputs, blocks, Quantization.BlockSize / 2],
            v => Quantization.ByBlock(v, outputs, inputs).Packed);
        var scales = _t5.Constant(
            stored, ".q4_scales", ElementType.Float, [outputs * blocks], v => Quantization.ByBlock(v, outputs, inputs).Scales);
        return _t5.Graph.Is(
            _t5.Graph.Node(
                "com.microsoft.MatMulNBits", [x, packed, scales],
                ("K", inputs), ("N", outputs), ("bits", 4), ("block_size", Quantization.BlockSize)),
            ElementType.Float, T5Model.Batch, length, outputs);
    }
}
