using System.IO.Compression;
using System.Runtime.InteropServices;
using DistillOnnx.Checkpoints;
using DistillOnnx.Core.T5;

namespace DistillOnnx.Core.Tests.Checkpoints;

/// <summary>Writes files as <c>torch.save</c> does, of the values of <see cref="TinyModel"/>.</summary>
internal static class TorchFile
{
    /// <summary>An archive of a pickle and storages.</summary>
    public static byte[] Archive(byte[] pickle, IEnumerable<byte[]> storages, CompressionLevel level = CompressionLevel.NoCompression)
    {
        using var stream = new MemoryStream();
        using (var zip = new ZipArchive(stream, ZipArchiveMode.Create, leaveOpen: true))
        {
            void Add(string name, byte[] content)
            {
                using var entry = zip.CreateEntry(name, level).Open();
                entry.Write(content);
            }

            Add("archive/data.pkl", pickle);
            var i = 0;
            foreach (var storage in storages) Add($"archive/data/{i++}", storage);
            Add("archive/version", "3\n"u8.ToArray());
        }

        return stream.ToArray();
    }

    /// <summary>The storages of a model, one a tensor.</summary>
    public static IEnumerable<byte[]> Storages(IEnumerable<TensorInfo> tensors) =>
        tensors.Select(t => MemoryMarshal.AsBytes<float>(TinyModel.Values(t)).ToArray());

    /// <summary>The pickle of a state dictionary; an attribute with the modules' versions follows it, as in real files.</summary>
    public static byte[] Pickle(IEnumerable<TensorInfo> tensors, bool legacy = false)
    {
        var pickle = new PickleBuilder().Protocol().OrderedDictionary().Raw((byte)'q', 0).Op('(');
        var i = 0;
        foreach (var tensor in tensors)
            pickle.Text(tensor.Name)
                .Tensor($"{i++}", tensor.ElementCount, 0, tensor.Shape, PickleBuilder.RowMajor(tensor.Shape), legacy: legacy);
        return pickle.Op('u').Op('}').Text("_metadata").OrderedDictionary().Op('s').Op('b').Op('.').ToArray();
    }

    /// <summary>A whole file of PyTorch 1.6 or later.</summary>
    public static byte[] Archive(T5Config config)
    {
        var tensors = T5Layout.Enumerate(config).ToList();
        return Archive(Pickle(tensors), Storages(tensors));
    }

    /// <summary>A whole file of an earlier PyTorch.</summary>
    public static byte[] Legacy(T5Config config)
    {
        var tensors = T5Layout.Enumerate(config).ToList();
        var file = new List<byte>();
        file.AddRange([0x80, 0x02, 0x8A, 0x0A, 0x6C, 0xFC, 0x9C, 0x46, 0xF9, 0x20, 0x6A, 0xA8, 0x50, 0x19, (byte)'.']);
        file.AddRange(new PickleBuilder().Protocol().Int(1001).Op('.').ToArray());
        file.AddRange(new PickleBuilder().Protocol().Op('}').Op('(').Text("protocol_version").Int(1001).Text("little_endian").Op('\x88')
            .Text("type_sizes").Op('}').Op('u').Op('.').ToArray());
        file.AddRange(Pickle(tensors, legacy: true));
        var keys = new PickleBuilder().Protocol().Op(']').Op('(');
        for (var i = 0; i < tensors.Count; i++) keys.Text($"{i}");
        file.AddRange(keys.Op('e').Op('.').ToArray());
        foreach (var (tensor, storage) in tensors.Zip(Storages(tensors)))
        {
            file.AddRange(BitConverter.GetBytes(tensor.ElementCount));
            file.AddRange(storage);
        }

        return [.. file];
    }
}
