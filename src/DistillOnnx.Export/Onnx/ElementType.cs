namespace DistillOnnx.Export.Onnx;

/// <summary>Element types of the tensors in our graphs, with ONNX's numbers.</summary>
internal enum ElementType
{
    Float = 1,
    UInt8 = 2,
    Int8 = 3,
    Int32 = 6,
    Int64 = 7,
    Bool = 9,
    Float16 = 10,
}
