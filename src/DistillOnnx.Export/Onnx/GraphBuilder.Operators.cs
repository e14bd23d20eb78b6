namespace DistillOnnx.Export.Onnx;

/// <summary>Operators of ONNX's own domain, under short names.</summary>
internal sealed partial class GraphBuilder
{
    public Value MatMul(Value a, Value b) => Node("MatMul", [a, b]);

    public Value Add(Value a, Value b) => Node("Add", [a, b]);

    public Value Sub(Value a, Value b) => Node("Sub", [a, b]);

    public Value Mul(Value a, Value b) => Node("Mul", [a, b]);

    public Value Div(Value a, Value b) => Node("Div", [a, b]);

    public Value Cast(Value value, ElementType type) => Node("Cast", [value], ("to", type));

    /// <summary>Rows of a table: <c>data</c> indexed along an axis, the indices' shape in its place.</summary>
    public Value Gather(Value data, Value indices, int axis = 0) => Node("Gather", [data, indices], ("axis", axis));

    /// <summary>Reshapes; 0 keeps a dimension, −1 is worked out.</summary>
    public Value Reshape(Value value, params long[] shape) => Node("Reshape", [value, Constant(shape)]);

    public Value Reshape(Value value, Value shape) => Node("Reshape", [value, shape]);

    public Value Transpose(Value value, params int[] permutation) => Node("Transpose", [value], ("perm", permutation));

    public Value Concat(int axis, params Value[] values) => Node("Concat", values, ("axis", axis));

    public Value Unsqueeze(Value value, params long[] axes) => Node("Unsqueeze", [value, Constant(axes)]);

    public Value Softmax(Value value) => Node("Softmax", [value], ("axis", -1));

    public Value LogSoftmax(Value value) => Node("LogSoftmax", [value], ("axis", -1));

    public Value ReduceSum(Value value, int axis) => Node("ReduceSum", [value, Constant([(long)axis])], ("keepdims", 0));

    /// <summary>Reduces a dimension by an operator whose axes became an input with opset 18.</summary>
    /// <param name="op">ReduceMax, ReduceMin or ReduceMean.</param>
    /// <param name="value">What is reduced.</param>
    /// <param name="axis">The dimension.</param>
    /// <param name="keep">Whether it stays, as 1.</param>
    public Value Reduce(string op, Value value, int axis = -1, bool keep = true) => Opset < 18
        ? Node(op, [value], ("axes", new[] { axis }), ("keepdims", keep ? 1 : 0))
        : Node(op, [value, Constant([(long)axis])], ("keepdims", keep ? 1 : 0));

    /// <summary>One dimension of a value's shape, as a scalar.</summary>
    public Value Size(Value value, int axis) => Gather(Node("Shape", [value]), Scalar((long)axis));

    /// <summary>0, 1, … up to a size that is known when the graph runs.</summary>
    public Value Range(Value start, Value end) => Node("Range", [start, end, Scalar(1L)]);
}
