using System.Buffers.Binary;
using System.Collections;
using System.Text;
using Google.Protobuf;
using Inference;

namespace DistillOnnx.Server.Services;

/// <summary>BYTES, FP32 and BOOL tensors in the protocol's typed and raw forms.</summary>
internal static class TensorBytes
{
    /// <summary>The data type's name.</summary>
    public const string Type = "BYTES";

    private static readonly UTF8Encoding Strict = new(encoderShouldEmitUTF8Identifier: false, throwOnInvalidBytes: true);

    /// <summary>Reads a tensor of texts.</summary>
    /// <exception cref="Grpc.Core.RpcException">Its type, shape or contents are at fault.</exception>
    public static IReadOnlyList<string> Read(ModelInferRequest request, int index)
    {
        var tensor = request.Inputs[index];
        var field = $"inputs[{index}]";
        if (tensor.Datatype != Type)
            throw Faults.Invalid($"{field}.datatype", $"expected {Type} for \"{tensor.Name}\", found \"{tensor.Datatype}\"");
        var raw = request.RawInputContents.Count > 0;
        if (raw && tensor.Contents is not null) throw Faults.Invalid($"{field}.contents", "expected none beside raw_input_contents");
        if (raw && request.RawInputContents.Count != request.Inputs.Count)
            throw Faults.Invalid(
                "raw_input_contents",
                $"expected one for each of the {request.Inputs.Count} inputs, found {request.RawInputContents.Count}");
        if (tensor.Contents is { } typed) RefuseOtherTypes(typed, $"{field}.contents");
        var elements = raw
            ? Unpack(request.RawInputContents[index].Memory, $"raw_input_contents[{index}]")
            : [.. (tensor.Contents?.BytesContents ?? []).Select(b => b.Memory)];
        long expected = 1;
        foreach (var size in tensor.Shape) expected = size < 0 || expected > int.MaxValue ? -1 : expected * size;
        if (expected != elements.Count)
            throw Faults.Invalid(
                $"{field}.shape",
                $"expected a shape of {elements.Count} elements, as the contents have, found {Describe(tensor.Shape)}");
        var texts = new string[elements.Count];
        for (var i = 0; i < texts.Length; i++)
        {
            try
            {
                texts[i] = Strict.GetString(elements[i].Span);
            }
            catch (DecoderFallbackException)
            {
                throw Faults.Invalid($"{field}.contents", $"expected UTF-8, element {i} is not");
            }
        }

        return texts;
    }

    /// <summary>Elements of another type beside the right ones would be dropped.</summary>
    private static void RefuseOtherTypes(InferTensorContents contents, string field)
    {
        foreach (var other in InferTensorContents.Descriptor.Fields.InDeclarationOrder())
        {
            if (other.FieldNumber != InferTensorContents.BytesContentsFieldNumber
                && ((ICollection)other.Accessor.GetValue(contents)).Count > 0)
                throw Faults.Invalid($"{field}.{other.Name}", $"expected none: the elements of a {Type} tensor stand in bytes_contents");
        }
    }

    /// <summary>A shape as messages have it.</summary>
    public static string Describe(IEnumerable<long> shape) => $"[{string.Join(", ", shape)}]";

    /// <summary>Texts in raw form: each with its length before it.</summary>
    public static ByteString Pack(IEnumerable<ByteString> elements)
    {
        using var stream = new MemoryStream();
        Span<byte> length = stackalloc byte[sizeof(uint)];
        foreach (var element in elements)
        {
            BinaryPrimitives.WriteUInt32LittleEndian(length, (uint)element.Length);
            stream.Write(length);
            stream.Write(element.Span);
        }

        return ByteString.CopyFrom(stream.GetBuffer().AsSpan(0, (int)stream.Length));
    }

    /// <summary>Numbers in raw form.</summary>
    public static ByteString Pack(float[] values)
    {
        var bytes = new byte[values.Length * sizeof(float)];
        for (var i = 0; i < values.Length; i++) BinaryPrimitives.WriteSingleLittleEndian(bytes.AsSpan(i * sizeof(float)), values[i]);
        return UnsafeByteOperations.UnsafeWrap(bytes);
    }

    /// <summary>Truth values in raw form: a byte each.</summary>
    public static ByteString Pack(bool[] values) => ByteString.CopyFrom(Array.ConvertAll(values, v => v ? (byte)1 : (byte)0));

    /// <summary>The elements of a tensor of texts in raw form.</summary>
    /// <exception cref="Grpc.Core.RpcException">A length or an element is cut off.</exception>
    public static List<ReadOnlyMemory<byte>> Unpack(ReadOnlyMemory<byte> raw, string field)
    {
        var elements = new List<ReadOnlyMemory<byte>>();
        while (raw.Length > 0)
        {
            if (raw.Length < sizeof(uint)) throw Faults.Invalid(field, $"expected a length of four bytes, found {raw.Length}");
            var length = BinaryPrimitives.ReadUInt32LittleEndian(raw.Span);
            raw = raw[sizeof(uint)..];
            if (length > raw.Length) throw Faults.Invalid(field, $"expected an element of {length} bytes, found {raw.Length}");
            elements.Add(raw[..(int)length]);
            raw = raw[(int)length..];
        }

        return elements;
    }
}
