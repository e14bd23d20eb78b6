namespace DistillOnnx.Core.Protobuf;

/// <summary>How protobuf lays out a field's value.</summary>
internal enum WireType
{
    /// <summary>An integer of one to ten bytes.</summary>
    Varint = 0,

    /// <summary>Eight bytes.</summary>
    Fixed64 = 1,

    /// <summary>A length and that many bytes.</summary>
    Bytes = 2,

    /// <summary>Four bytes.</summary>
    Fixed32 = 5,
}
