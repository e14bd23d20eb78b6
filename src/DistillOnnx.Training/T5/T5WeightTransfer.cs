using System.Runtime.InteropServices;
using DistillOnnx.Checkpoints;
using static TorchSharp.torch;

namespace DistillOnnx.Training.T5;

/// <summary>Moves weights between a model's memory and checkpoint files, in pieces, so that no second copy of them arises.</summary>
internal static class T5WeightTransfer
{
    /// <summary>Elements moved at a time; 16 MB.</summary>
    private const int Piece = 4 << 20;

    public static void Load(T5Model model, Checkpoint checkpoint)
    {
        // Everything else in a configuration may differ: dropout, ids, the name of the model's type.
        var wanted = T5Layout.Enumerate(model.Config).ToList();
        T5Layout.Validate(model.Config, checkpoint.Tensors.Tensors, checkpoint.Directory);
        using var noGrad = no_grad();
        var parameters = model.named_parameters().ToDictionary(p => p.name, p => p.parameter);
        foreach (var info in wanted)
        {
            ForEachPiece(parameters[info.Name], (piece, offset) =>
            {
                if (piece.device_type == TorchSharp.DeviceType.CPU)
                {
                    checkpoint.Tensors.ReadFloat32(info.Name, Floats(piece), offset);
                    return;
                }

                using var staged = empty(piece.shape, dtype: ScalarType.Float32);
                checkpoint.Tensors.ReadFloat32(info.Name, Floats(staged), offset);
                using var copied = piece.copy_(staged);
            });
        }
    }

    public static void Save(T5Model model, string path)
    {
        using var noGrad = no_grad();
        var tensors = T5Layout.EnumerateStored(model.Config).ToList();
        var parameters = model.named_parameters().ToDictionary(p => p.name, p => p.parameter);
        using var writer = SafetensorsWriter.Create(path, [.. tensors.Select(t => t.Tensor)]);
        foreach (var (info, weight) in tensors)
        {
            ForEachPiece(parameters[weight], (piece, _) =>
            {
                using var host = piece.cpu();
                writer.Write(info.Name, Floats(host));
            });
        }

        writer.Complete();
    }

    private static void ForEachPiece(Tensor parameter, Action<Tensor, long> action)
    {
        using var flat = parameter.view(-1);
        for (long offset = 0, count = flat.numel(); offset < count; offset += Piece)
        {
            using var piece = flat.narrow(0, offset, Math.Min(Piece, count - offset));
            action(piece, offset);
        }
    }

    private static Span<float> Floats(Tensor tensor) => MemoryMarshal.Cast<byte, float>(tensor.bytes);
}
