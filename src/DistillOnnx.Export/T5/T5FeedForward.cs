using DistillOnnx.Checkpoints;
using DistillOnnx.Core.T5;
using DistillOnnx.Export.Onnx;
using DistillOnnx.Export.Weights;

namespace DistillOnnx.Export.T5;

/// <summary>The feed-forward layer (<c>DenseReluDense</c>): wo(act(wi·x)), or gated, wo(act(wi_0·x) ⊙ (wi_1·x)).</summary>
internal sealed class T5FeedForward
{
    /// <summary>Elements of single precision in 4 KB, and those that move a row off it.</summary>
    private const int PageElements = 1024, PaddingElements = 32;

    private readonly T5Context _t5;
    private readonly bool _isDecoder;
    private readonly int _block;
    private readonly int _width;
    private readonly T5Linear _wi0;
    private readonly T5Linear? _wi1;
    private readonly T5Linear _wo;

    public T5FeedForward(T5Context t5, bool isDecoder, int block)
    {
        (_t5, _isDecoder, _block) = (t5, isDecoder, block);
        _width = InnerWidth(t5, isDecoder);
        _wi0 = Linear(t5.Config.IsGated ? "wi_0" : "wi");
        if (t5.Config.IsGated) _wi1 = Linear("wi_1");
        _wo = new T5Linear(t5, Projection("wo").Padded(_width, t5.Config.DModel), wide: true);

        T5Linear Linear(string name) => new(t5, Projection(name).Padded(t5.Config.DModel, _width));
        WeightMatrix Projection(string name) => t5.Weights.Projection(T5TensorNames.FeedForward(isDecoder, block, name));
    }

    /// <summary>
    /// The width of the inner values. Where the rows of a product's input lie a multiple of 4 KB apart, a processor's first cache has room
    /// for a few of them only, and the product takes up to a fifth longer. Columns of zeros move them apart and change no sum.
    /// </summary>
    private static int InnerWidth(T5Context t5, bool isDecoder)
    {
        var width = t5.Config.DFf;

        // A decoder's product has a few rows, and takes the time of reading its weights.
        return t5.Form.Precision == GraphPrecision.Fp32 && !isDecoder && width % PageElements == 0 ? width + PaddingElements : width;
    }

    /// <summary>[B, T, d_model] → the same.</summary>
    public Value Forward(Value x, Dim length)
    {
        using var scope = _t5.Graph.Scope("ff");
        if (_t5.HalfLayers && _t5.Weights.Half.FeedForward(_isDecoder, _block) is { Fits: true } range)
            return ForwardHalf(_t5.Half(x), range, length);
        if (_t5.Form.Precision == GraphPrecision.Int8) return ForwardInt8(x, length).Multiplied(_t5.Graph);
        var inner = Activate(_wi0.Forward(x, length), ElementType.Float, length);
        if (_wi1 is not null) inner = _t5.Graph.Mul(inner, _wi1.Forward(x, length));
        var output = _wo.Forward(inner, length);
        return _t5.ResidualExponent(_isDecoder) is > 0 and var exponent
            ? _t5.Graph.Mul(output, _t5.Graph.Scalar(MathF.ScaleB(1, -exponent)))
            : output;
    }

    /// <summary>The same, where tokens may lack a factor: before a sum that puts it back.</summary>
    public ScaledRows ForwardScaled(Value x, Dim length)
    {
        if (!_t5.Form.Functions) return new ScaledRows(Forward(x, length), Value.None);
        using var scope = _t5.Graph.Scope("ff");
        return ForwardInt8(x, length);
    }

    private Value ForwardHalf(Value x, FeedForwardRange range, Dim length)
    {
        var inner = Activate(_wi0.ForwardHalf(x, _wi1 is null ? range.Inner : 0, length), ElementType.Float16, length);
        if (_wi1 is not null) inner = _t5.Graph.Mul(inner, _wi1.ForwardHalf(x, range.Inner, length));
        var needed = HalfRanges.Exponent(range.Output);
        var (exponent, rescale) = _isDecoder ? (needed, needed) : _t5.Weights.Half.OfResidual(range.Output);
        return _t5.Single(_wo.ForwardHalf(inner, exponent - range.Inner, length), rescale);
    }

    /// <summary>
    /// The same in integers. What scales a token scales its products alike: where nothing between two of them asks how large a number
    /// is, both scales are put back at once, on the narrow side; and eight bits without a sign are ReLU as they are made.
    /// </summary>
    private ScaledRows ForwardInt8(Value x, Dim length)
    {
        var graph = _t5.Graph;
        var rows = _t5.Quantize(x, length, _t5.Config.DModel);
        var inner = _wi0.MultiplyUnscaled(rows, length);
        var rectify = _t5.Config.Activation == T5Activation.Relu;
        var hidden = QuantizeInner(inner, rows, length, rectify);

        // One factor for each product that still lacks it.
        var scale = hidden.Scale;
        if (rectify) scale = graph.Mul(scale, rows.Scale);
        if (_wi1 is not null) scale = graph.Mul(scale, rows.Scale);
        return new ScaledRows(_wo.MultiplyUnscaled(hidden, length), scale);
    }

    /// <summary>Activates, gates and quantises what <c>wi</c> or <c>wi_0</c> yields, which lacks the scales of its rows.</summary>
    private QuantizedRows QuantizeInner(Value inner, QuantizedRows rows, Dim length, bool rectify)
    {
        var (graph, width) = (_t5.Graph, _width);
        if (_wi1 is null)
            return _t5.Quantize(rectify ? inner : Activated(), length, width, rectify);
        var linear = _wi1.MultiplyUnscaled(rows, length);
        if (_t5.Form.Functions && _t5.Config.Activation == T5Activation.GeluNew)
        {
            var values = graph.Call(RowFunctions.QuantizeGatedGeluRows, [inner, linear, rows.Scale], ("size", width));
            return QuantizedRows.Described(_t5, values[0], values[1], length, width, rectify: false);
        }

        return _t5.Quantize(graph.Mul(rectify ? graph.Node("Relu", [inner]) : Activated(), linear), length, width);

        Value Activated() => Activate(graph.Mul(inner, rows.Scale), ElementType.Float, length);
    }

    private Value Activate(Value x, ElementType type, Dim length)
    {
        var graph = _t5.Graph;
        if (_t5.Config.Activation == T5Activation.Relu) return graph.Node("Relu", [x]);
        if (!_t5.Form.Portable)
        {
            // One pass over the widest tensor of the model instead of up to eight.
            var gelu = _t5.Config.Activation switch
            {
                T5Activation.Silu => graph.Node("com.microsoft.QuickGelu", [x], ("alpha", 1f)),
                T5Activation.Gelu => graph.Node("com.microsoft.Gelu", [x]),
                _ => graph.Node("com.microsoft.FastGelu", [x]),
            };
            return graph.Is(gelu, type, T5Model.Batch, length, _width);
        }

        switch (_t5.Config.Activation)
        {
            case T5Activation.Silu:
                return graph.Mul(x, graph.Node("Sigmoid", [x]));
            case T5Activation.Gelu:
                var error = graph.Node("Erf", [graph.Div(x, graph.Scalar(MathF.Sqrt(2)))]);
                return graph.Mul(graph.Mul(x, graph.Add(error, graph.Scalar(1f))), graph.Scalar(0.5f));
            default:
                var cube = graph.Node("Pow", [x, graph.Scalar(3f)]);
                var inside = graph.Mul(graph.Add(x, graph.Mul(cube, graph.Scalar(0.044715f))), graph.Scalar(MathF.Sqrt(2 / MathF.PI)));
                return graph.Mul(graph.Mul(x, graph.Scalar(0.5f)), graph.Add(graph.Node("Tanh", [inside]), graph.Scalar(1f)));
        }
    }
}
