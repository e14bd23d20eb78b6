using System.Buffers.Binary;
using System.Text;
using DistillOnnx.Core;

namespace DistillOnnx.Toolchain.Selection;

/// <summary>
/// The uncertainty of the rows that were looked at so far, in their order, in a file beside the output: a run that was killed begins
/// again after the last whole batch. It is deleted when the selection is done.
/// </summary>
internal sealed class ScoreLog : IDisposable
{
    private readonly FileStream _file;
    private readonly byte[] _buffer = new byte[sizeof(double)];

    private ScoreLog(FileStream file, int header, long rows)
    {
        _file = file;
        Rows = rows;
        _file.Position = header;
    }

    /// <summary>Rows that an earlier run looked at.</summary>
    public long Rows { get; }

    /// <summary>The file of an output.</summary>
    /// <param name="output">The dataset directory that is to be written.</param>
    public static string PathFor(string output) => Path.TrimEndingDirectorySeparator(Path.GetFullPath(output)) + ".scores";

    /// <summary>Opens or begins a file.</summary>
    /// <param name="output">The dataset directory that is to be written.</param>
    /// <param name="fingerprint">What the scores depend on; a file of other scores is begun anew.</param>
    /// <param name="batch">Rows that are written at once.</param>
    /// <exception cref="InputException">It cannot be written, or another process has it.</exception>
    public static ScoreLog Open(string output, string fingerprint, int batch)
    {
        var path = PathFor(output);
        try
        {
            Directory.CreateDirectory(Path.GetDirectoryName(path)!);
            var file = new FileStream(path, FileMode.OpenOrCreate, FileAccess.ReadWrite, FileShare.None, 1 << 16);
            try
            {
                var header = Encoding.ASCII.GetBytes(fingerprint + "\n");
                var found = new byte[header.Length];
                var same = file.ReadAtLeast(found, found.Length, throwOnEndOfStream: false) == found.Length
                    && found.AsSpan().SequenceEqual(header);
                if (!same)
                {
                    file.SetLength(0);
                    file.Position = 0;
                    file.Write(header);
                }

                // What follows the last whole batch was cut by the end of the process.
                var rows = (file.Length - header.Length) / sizeof(double) / batch * batch;
                file.SetLength(header.Length + rows * sizeof(double));
                return new ScoreLog(file, header.Length, rows);
            }
            catch
            {
                file.Dispose();
                throw;
            }
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new InputException($"{path}: cannot be opened; another run may have it: {e.Message}", e);
        }
    }

    /// <summary>
    /// The next of the rows that an earlier run looked at; call it <see cref="Rows"/> times before the first <see cref="Append"/>.
    /// </summary>
    public double Next()
    {
        _file.ReadExactly(_buffer);
        return BinaryPrimitives.ReadDoubleLittleEndian(_buffer);
    }

    /// <summary>Adds a batch.</summary>
    public void Append(IReadOnlyList<double> scores)
    {
        foreach (var score in scores)
        {
            BinaryPrimitives.WriteDoubleLittleEndian(_buffer, score);
            _file.Write(_buffer);
        }

        _file.Flush();
    }

    /// <summary>Removes the file: the selection is done.</summary>
    public void Delete()
    {
        _file.Dispose();
        File.Delete(_file.Name);
    }

    public void Dispose() => _file.Dispose();
}
