using DistillOnnx.Checkpoints;
using DistillOnnx.Core;
using DistillOnnx.Export.Onnx;
using DistillOnnx.Export.Weights;

namespace DistillOnnx.Export.T5;

/// <summary>
/// Embedding, linear layers and lm_head in each precision. What comes in and goes out is single precision: norms, softmax
/// and the residual stream never see less.
/// </summary>
internal sealed partial class T5Graph
{
    private readonly Dictionary<string, Value> _halves = new(StringComparer.Ordinal);

    /// <summary>Token ids [B, T] to the residual stream [B, T, d_model].</summary>
    private Value Embed(Value ids) => Rows(weights.Stored(T5TensorNames.Shared), ids);

    /// <summary>The same in a decoder, where a tied lm_head in eight bits serves: its columns are the embedding's rows, stored once.</summary>
    private Value EmbedDecoded(Value ids)
    {
        if (form.Precision != GraphPrecision.Int8 || !Config.TieWordEmbeddings) return Embed(ids);
        var (quantized, scales) = ColumnQuantized(weights.Stored(T5TensorNames.Shared).Transposed());
        var columns = graph.Transpose(graph.Gather(quantized, ids, axis: 1), 1, 2, 0);
        return graph.Mul(graph.Cast(columns, ElementType.Float), graph.Unsqueeze(graph.Gather(scales, ids), 2));
    }

    /// <summary>Rows of a table [n, d_model] by ids of any shape.</summary>
    private Value Rows(WeightMatrix table, Value ids)
    {
        switch (form.Precision)
        {
            case GraphPrecision.Fp32:
                return graph.Gather(Weight(table), ids);
            case GraphPrecision.Fp16:
                return graph.Cast(graph.Gather(HalfWeight(table), ids), ElementType.Float);
            default:
                var rows = Constant(table, ".int8", ElementType.Int8, v => Quantization.ByRow(v, table.Rows, table.Columns, Quantization.RowScales(v, table.Rows, table.Columns)));
                var scales = Constant(table, ".row_scales", ElementType.Float, [table.Rows, 1], v => Quantization.RowScales(v, table.Rows, table.Columns));
                return graph.Mul(graph.Cast(graph.Gather(rows, ids), ElementType.Float), graph.Gather(scales, ids));
        }
    }

    /// <summary>x·W: [B, T, in] to [B, T, out].</summary>
    /// <param name="x">The input.</param>
    /// <param name="matrix">W, [in, out].</param>
    /// <param name="length">T, for shapes that inference cannot know.</param>
    /// <param name="wide">Whether the result may overflow half precision.</param>
    private Value Linear(Value x, WeightMatrix matrix, Dim length, bool wide = false)
    {
        switch (form.Precision)
        {
            case GraphPrecision.Fp32:
                return graph.MatMul(x, Weight(matrix));
            case GraphPrecision.Fp16:
                // Stored in half precision; a runtime widens it when it loads the graph.
                if (wide) return graph.MatMul(x, graph.Cast(HalfWeight(matrix), ElementType.Float));
                return graph.Cast(graph.MatMul(Half(x), HalfWeight(matrix)), ElementType.Float);
            case GraphPrecision.Int8:
                return IntegerLinear(x, matrix, length);
            default:
                return BlockLinear(x, matrix.Transposed(), length);
        }
    }

    /// <summary>lm_head: [B, T, d_model] to [B, T, vocab_size]. A tied one is the embedding itself, read transposed, so that it is stored once.</summary>
    private Value Logits(Value x, Dim length)
    {
        using var scope = graph.Scope("lm_head");
        var matrix = weights.Stored(weights.OutputName);
        if (form.Precision is GraphPrecision.Int8 or GraphPrecision.Q4)
        {
            var scaled = Config.ScaleDecoderOutputs ? graph.Mul(x, graph.Scalar(weights.OutputScale)) : x;
            return form.Precision == GraphPrecision.Int8 ? IntegerLinear(scaled, matrix.Transposed(), length) : BlockLinear(scaled, matrix, length);
        }

        var rows = graph.Reshape(x, -1, Config.DModel);
        var logits = form.Precision == GraphPrecision.Fp32
            ? graph.Node("Gemm", [rows, Weight(matrix)], ("transB", 1), ("alpha", weights.OutputScale))
            : graph.Cast(graph.Node("Gemm", [Half(rows), HalfWeight(matrix)], ("transB", 1), ("alpha", weights.OutputScale)), ElementType.Float);
        var shape = graph.Node("Shape", [x], ("start", 0), ("end", 2));
        return graph.Reshape(logits, graph.Concat(0, shape, graph.Constant([(long)Config.VocabSize])));
    }

    /// <summary>A product in integers: x is quantised as a whole when the graph runs, W has a scale per column.</summary>
    private Value IntegerLinear(Value x, WeightMatrix matrix, Dim length)
    {
        var (quantized, scales) = ColumnQuantized(matrix);
        if (!form.Portable)
        {
            return graph.Is(
                graph.Node("com.microsoft.DynamicQuantizeMatMul", [x, quantized, scales]), ElementType.Float, Batch, length, matrix.Columns);
        }

        var input = graph.Nodes("DynamicQuantizeLinear", [x], 3);
        var product = graph.Cast(graph.Node("MatMulInteger", [input[0], quantized, input[2]]), ElementType.Float);
        return graph.Mul(product, graph.Mul(input[1], scales));
    }

    private (Value Quantized, Value Scales) ColumnQuantized(WeightMatrix matrix) => (
        Constant(matrix, ".int8", ElementType.Int8, v => Quantization.ByColumn(v, matrix.Rows, matrix.Columns, Quantization.ColumnScales(v, matrix.Rows, matrix.Columns))),
        Constant(matrix, ".column_scales", ElementType.Float, [matrix.Columns], v => Quantization.ColumnScales(v, matrix.Rows, matrix.Columns)));

    /// <summary>A product in single precision with weights in four bits; the matrix comes as [out, in].</summary>
    private Value BlockLinear(Value x, WeightMatrix matrix, Dim length)
    {
        var (outputs, inputs) = (matrix.Rows, matrix.Columns);
        var blocks = (inputs + Quantization.BlockSize - 1) / Quantization.BlockSize;
        var packed = Constant(matrix, ".q4", ElementType.UInt8, [outputs, blocks, Quantization.BlockSize / 2], v => Quantization.ByBlock(v, outputs, inputs).Packed);
        var scales = Constant(matrix, ".q4_scales", ElementType.Float, [outputs * blocks], v => Quantization.ByBlock(v, outputs, inputs).Scales);
        return graph.Is(
            graph.Node(
                "com.microsoft.MatMulNBits", [x, packed, scales],
                ("K", inputs), ("N", outputs), ("bits", 4), ("block_size", Quantization.BlockSize)),
            ElementType.Float, Batch, length, outputs);
    }

    /// <summary>A product per head, [B, H, P, k] by [H, k, n]: small, and so in full precision where that is not about size alone.</summary>
    private Value HeadLinear(Value x, WeightMatrix perHead) => form.Precision == GraphPrecision.Fp16
        ? graph.Cast(graph.MatMul(Half(x), HalfWeight(perHead)), ElementType.Float)
        : graph.MatMul(x, Weight(perHead));

    private Value Half(Value x)
    {
        if (!_halves.TryGetValue(x.Name, out var half)) _halves[x.Name] = half = graph.Cast(x, ElementType.Float16);
        return half;
    }

    private Value Weight(WeightMatrix matrix) => Constant(matrix, "", ElementType.Float, v => v);

    private Value HalfWeight(WeightMatrix matrix) => Constant(matrix, ".fp16", ElementType.Float16, values =>
    {
        var halves = new Half[values.Length];
        System.Numerics.Tensors.TensorPrimitives.ConvertTruncating<float, Half>(values, halves);
        var overflow = Array.FindIndex(halves, h => !System.Half.IsFinite(h));
        return overflow < 0
            ? halves
            : throw new InputException(FormattableString.Invariant(
                $"tensor \"{matrix.Name.Replace(".transposed", "", StringComparison.Ordinal)}\" holds {values[overflow]}, beyond the range of fp16 (65504 either way); leave fp16 out of --precision"));
    });

    private Value Constant<T>(WeightMatrix matrix, string suffix, ElementType type, Func<float[], T[]> convert)
        where T : unmanaged => Constant(matrix, suffix, type, matrix.Dims, convert);

    private Value Constant<T>(WeightMatrix matrix, string suffix, ElementType type, IReadOnlyList<long> dims, Func<float[], T[]> convert)
        where T : unmanaged => graph.Constant(matrix.Name + suffix, () => new TensorData(type, dims, stream => TensorData.Write<T>(stream, convert(matrix.Read()))));
}
