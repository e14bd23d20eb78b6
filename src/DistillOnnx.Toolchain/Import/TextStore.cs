using System.Text;

namespace DistillOnnx.Toolchain.Import;

/// <summary>Texts in a temporary file, by their position: memory holds eight bytes a text.</summary>
internal sealed class TextStore : IDisposable
{
    private readonly FileStream _file;
    private readonly List<long> _ends = [];
    private byte[] _buffer = new byte[1024];

    /// <summary>Creates an empty store.</summary>
    public TextStore()
    {
        var path = Path.Combine(Path.GetTempPath(), $"distill-{Guid.NewGuid():N}.texts");
        _file = new FileStream(path, FileMode.CreateNew, FileAccess.ReadWrite, FileShare.None, 1 << 16, FileOptions.DeleteOnClose);
        // Without a name it goes with the process, however that ends.
        if (!OperatingSystem.IsWindows()) File.Delete(path);
    }

    /// <summary>Number of texts.</summary>
    public int Count => _ends.Count;

    /// <summary>A text; <see cref="Complete"/> stands before the first look.</summary>
    /// <param name="index">Its position, from 0.</param>
    public string? this[int index]
    {
        get
        {
            // The end of a null is negated: it takes no bytes.
            if (_ends[index] < 0) return null;
            var begin = index == 0 ? 0 : End(index - 1);
            var length = (int)(_ends[index] - begin);
            if (_buffer.Length < length) _buffer = new byte[length];
            for (var filled = 0; filled < length;)
            {
                var count = RandomAccess.Read(_file.SafeFileHandle, _buffer.AsSpan(filled, length - filled), begin + filled);
                if (count == 0) throw new EndOfStreamException($"{_file.Name}: the file was cut while in use");
                filled += count;
            }

            return Encoding.UTF8.GetString(_buffer, 0, length);
        }
    }

    /// <summary>Adds a text.</summary>
    /// <param name="text">The text.</param>
    public void Add(string? text)
    {
        if (text is null)
        {
            _ends.Add(~(_ends.Count == 0 ? 0 : End(_ends.Count - 1)));
            return;
        }

        var most = Encoding.UTF8.GetMaxByteCount(text.Length);
        if (_buffer.Length < most) _buffer = new byte[most];
        _file.Write(_buffer, 0, Encoding.UTF8.GetBytes(text, _buffer));
        _ends.Add(_file.Position);
    }

    /// <summary>Ends the adding.</summary>
    public void Complete() => _file.Flush();

    public void Dispose() => _file.Dispose();

    private long End(int index) => _ends[index] < 0 ? ~_ends[index] : _ends[index];
}
