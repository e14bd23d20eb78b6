using System.Buffers;
using DistillOnnx.Core;

namespace DistillOnnx.Checkpoints.PyTorch;

/// <summary>
/// A file that <c>torch.save</c> wrote of a dictionary of tensors, mapped: the zip archive of PyTorch 1.6 and later, or the
/// sequence of pickles before that. Nothing in it is executed (see <see cref="Unpickler"/>).
/// </summary>
internal sealed class PyTorchFile : ITensorSource
{
    private readonly MappedFile _file;
    private readonly Dictionary<string, PyTorchTensor> _tensors = new(StringComparer.Ordinal);
    private readonly Dictionary<string, TensorInfo> _infos = new(StringComparer.Ordinal);

    private PyTorchFile(MappedFile file) => _file = file;

    public IReadOnlyDictionary<string, TensorInfo> Tensors => _infos;

    /// <summary>Maps a file and reads what it says of its tensors.</summary>
    /// <exception cref="InputException">The file is missing, cut or malformed, or holds anything but tensors.</exception>
    public static PyTorchFile Open(string path)
    {
        var file = MappedFile.Open(path);
        try
        {
            var start = file.Slice(0, (int)Math.Min(512, file.Length));
            var result = new PyTorchFile(file);
            if (start.StartsWith("PK\x03\x04"u8)) result.ReadArchive();
            else if (start.StartsWith(LegacyFile.Magic)) result.ReadLegacy();
            else throw new InputException($"{path}: expected a file written by torch.save, found {FileSignature.Describe(start)}");
            return result;
        }
        catch
        {
            file.Dispose();
            throw;
        }
    }

    public void ReadFloat32(string name, Span<float> destination, long offset = 0)
    {
        var tensor = Tensor(name);
        if (tensor.View.IsContiguous || !tensor.Info.Type.IsWeight())
        {
            MappedTensor.ReadFloat32(_file, tensor.Info, tensor.Start, destination, offset);
            return;
        }

        var size = tensor.Info.Type.Size();
        var buffer = ArrayPool<byte>.Shared.Rent(1 << 16);
        while (!destination.IsEmpty)
        {
            var count = Math.Min(destination.Length, (1 << 16) / size);
            tensor.Gather(_file, buffer.AsSpan(0, count * size), offset * size);
            FloatConversion.ToSingle(tensor.Info.Type, buffer.AsSpan(0, count * size), destination[..count]);
            destination = destination[count..];
            offset += count;
        }

        ArrayPool<byte>.Shared.Return(buffer);
    }

    public void ReadBytes(string name, Span<byte> destination, long offset = 0)
    {
        var tensor = Tensor(name);
        if (tensor.View.IsContiguous) MappedTensor.ReadBytes(_file, tensor.Info, tensor.Start, destination, offset);
        else tensor.Gather(_file, destination, offset);
    }

    public bool TryGetBytes(string name, out ReadOnlySpan<byte> bytes)
    {
        var tensor = Tensor(name);
        bytes = default;
        return tensor.View.IsContiguous && MappedTensor.TryGetBytes(_file, tensor.Info, tensor.Start, out bytes);
    }

    public void Dispose() => _file.Dispose();

    private void ReadArchive()
    {
        var entries = ZipDirectory.Read(_file);
        var pickles = entries.Keys.Where(
            n => n.EndsWith("/data.pkl", StringComparison.Ordinal) && n.IndexOf('/') == n.Length - "/data.pkl".Length).ToList();
        if (pickles.Count != 1)
            throw new InputException(
                $"{_file.Path}: expected a file written by torch.save, found a zip archive with {pickles.Count} files NAME/data.pkl");
        var prefix = pickles[0][..^"data.pkl".Length];
        if (entries.ContainsKey(prefix + "constants.pkl"))
            throw new InputException($"{_file.Path}: expected weights, found a TorchScript program; save its state_dict");
        if (entries.TryGetValue(prefix + "byteorder", out var order)
            && (order.Length > 16 || !_file.Slice(order.Offset, (int)order.Length).SequenceEqual("little"u8)))
            throw new InputException($"{_file.Path}: expected little-endian tensors");

        var entry = entries[pickles[0]];
        if (entry.Length > Unpickler.LongestPickle)
            throw new InputException($"{_file.Path}: expected a pickle of at most {Unpickler.LongestPickle} bytes, found {entry.Length}");
        var pickle = _file.Slice(entry.Offset, (int)entry.Length);
        if (Crc32.Compute(pickle) != entry.Crc32)
            throw new InputException($"{_file.Path}: the checksum of {InputText.Show(entry.Name)} does not match; the file is damaged");
        var root = Unpickler.Read(pickle, _file.Path, out var length);
        if (length != pickle.Length) throw new InputException($"{_file.Path}: {pickle.Length - length} bytes follow the pickle");
        Add(root, storage =>
        {
            if (!entries.TryGetValue($"{prefix}data/{storage.Key}", out var data))
                throw new InputException($"{_file.Path}: storage \"{InputText.Show(storage.Key)}\" is missing from the archive");
            if ((UInt128)storage.Count * (uint)storage.Type.Size() != (UInt128)data.Length)
                throw new InputException(
                    $"{_file.Path}: storage \"{InputText.Show(storage.Key)}\": expected {storage.Count} elements of "
                        + $"{storage.Type.Code()}, found {data.Length} bytes");
            return data.Offset;
        });
    }

    private void ReadLegacy()
    {
        var legacy = LegacyFile.Read(_file);
        Add(legacy.Root, legacy.Locate);
    }

    private void Add(object? root, Func<PickledStorage, long> locate)
    {
        var dictionary = root as PickleDictionary
            ?? throw new InputException($"{_file.Path}: expected a dictionary of tensors, found {Kind(root)}");
        foreach (var (key, value) in dictionary.Items)
        {
            var name = key as string ?? throw new InputException($"{_file.Path}: expected tensors by name, found {Kind(key)} as a key");
            var view = value as PickledTensor
                ?? throw new InputException(
                    $"{_file.Path}: expected a dictionary of tensors, found {Kind(value)} under \"{InputText.Show(name)}\"");
            var info = new TensorInfo(name, view.Storage.Type, view.Shape);
            if (!_infos.TryAdd(name, info)) throw new InputException($"{_file.Path}: tensor \"{InputText.Show(name)}\" stands twice");
            _tensors.Add(name, new PyTorchTensor(info, view, locate(view.Storage) + view.Offset * info.Type.Size()));
        }
    }

    private static string Kind(object? value) => value switch
    {
        null => "None",
        bool or long or double => "a number",
        string => "a text",
        PickleDictionary => "a dictionary",
        PickledTensor => "a tensor",
        object?[] => "a tuple",
        List<object?> => "a list",
        _ => "something else",
    };

    private PyTorchTensor Tensor(string name) =>
        _tensors.TryGetValue(name, out var tensor)
            ? tensor
            : throw new ArgumentException($"{_file.Path}: no tensor \"{name}\"", nameof(name));
}
