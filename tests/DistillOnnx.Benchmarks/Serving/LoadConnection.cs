using System.Buffers.Binary;
using System.Collections.Concurrent;
using System.Diagnostics;
using System.Globalization;
using System.Net.Sockets;
using System.Text;
using DistillOnnx.V1;
using Google.Protobuf;
using Grpc.Core;

namespace DistillOnnx.Benchmarks.Serving;

/// <summary>
/// A connection on which calls cost next to nothing: what a call sends is the same but for its number and text, and of what
/// comes back only the status is read. A full client would take from the machine that it shares with the server more than
/// the server's own refusals do. HTTP/2 (RFC 9113) and HPACK (RFC 7541) as far as a gRPC server's answers need them.
/// </summary>
internal sealed class LoadConnection : IDisposable
{
    private const byte Data = 0, Headers = 1, Reset = 3, Settings = 4, Ping = 6, GoAway = 7, WindowUpdate = 8;
    private const byte Ack = 1, EndStream = 1, EndHeaders = 4;
    private const int HeaderBytes = 9;

    private readonly Socket _socket;
    private readonly byte[] _headers;
    private readonly Action<StatusCode, double> _ended;
    private readonly ConcurrentDictionary<int, long> _open = [];
    private readonly Lock _sending = new();
    private byte[] _buffer = new byte[1 << 16];
    private int _next = 1;

    /// <param name="address">The server; cleartext.</param>
    /// <param name="deadline">How long a caller waits.</param>
    /// <param name="ended">Told how each call ended and after how many milliseconds, on the connection's own thread.</param>
    public LoadConnection(Uri address, TimeSpan deadline, Action<StatusCode, double> ended)
    {
        _ended = ended;
        _headers = Request(address.Authority, string.Create(CultureInfo.InvariantCulture, $"{(long)deadline.TotalMilliseconds}m"));
        _socket = new Socket(SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };
        _socket.Connect(address.Host, address.Port);

        // No dynamic table, no push, and windows that never fill.
        byte[] settings = [0, 1, 0, 0, 0, 0, 0, 2, 0, 0, 0, 0, 0, 4, 0x40, 0, 0, 0];
        _socket.Send([
            .. "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"u8, .. Frame(Settings, 0, 0, settings), .. Frame(WindowUpdate, 0, 0, [0x40, 0, 0, 0])
        ]);
        new Thread(Read) { IsBackground = true, Name = "load" }.Start();
    }

    /// <summary>Calls that are not answered yet.</summary>
    public int Open => _open.Count;

    /// <summary>A text as gRPC's message.</summary>
    public static byte[] Message(string text)
    {
        var message = new PredictRequest { Model = "nli", Inputs = { new PredictionInput { Text = text } } }.ToByteArray();
        var framed = new byte[5 + message.Length];
        BinaryPrimitives.WriteInt32BigEndian(framed.AsSpan(1), message.Length);
        message.CopyTo(framed, 5);
        return framed;
    }

    /// <summary>Makes a call.</summary>
    public void Send(byte[] message)
    {
        lock (_sending)
        {
            var stream = _next;
            _next += 2;
            _open[stream] = Stopwatch.GetTimestamp();
            _socket.Send([.. Frame(Headers, EndHeaders, stream, _headers), .. Frame(Data, EndStream, stream, message)]);
        }
    }

    public void Dispose() => _socket.Dispose();

    private static byte[] Frame(byte type, byte flags, int stream, ReadOnlySpan<byte> payload)
    {
        var frame = new byte[HeaderBytes + payload.Length];
        BinaryPrimitives.WriteInt32BigEndian(frame, payload.Length << 8 | type);
        frame[4] = flags;
        BinaryPrimitives.WriteInt32BigEndian(frame.AsSpan(5), stream);
        payload.CopyTo(frame.AsSpan(HeaderBytes));
        return frame;
    }

    /// <summary>A request's header block, of literals that no table keeps.</summary>
    private static byte[] Request(string authority, string timeout)
    {
        // POST and http stand in the static table, and so do the names of :authority, :path and content-type.
        var block = new List<byte> { 0x83, 0x86 };
        void Text(string text)
        {
            block.Add((byte)text.Length);
            block.AddRange(Encoding.ASCII.GetBytes(text));
        }

        void Named(byte[] name, string value)
        {
            block.AddRange(name);
            Text(value);
        }

        Named([0x01], authority);
        Named([0x04], "/distillonnx.v1.PredictionService/Predict");
        Named([0x0F, 31 - 15], "application/grpc");
        block.Add(0);
        Text("te");
        Text("trailers");
        block.Add(0);
        Text("grpc-timeout");
        Text(timeout);
        return [.. block];
    }

    private void Read()
    {
        var (start, end) = (0, 0);
        try
        {
            for (int count; (count = _socket.Receive(_buffer.AsSpan(end))) > 0;)
            {
                end += count;
                while (end - start >= HeaderBytes)
                {
                    var length = HeaderBytes + (BinaryPrimitives.ReadInt32BigEndian(_buffer.AsSpan(start)) >>> 8);
                    if (end - start < length) break;
                    Take(_buffer.AsSpan(start, length));
                    start += length;
                }

                _buffer.AsSpan(start, end - start).CopyTo(_buffer);
                (start, end) = (0, end - start);
                if (end == _buffer.Length) Array.Resize(ref _buffer, 2 * end);
            }
        }
        catch (SocketException)
        {
            // What is open then is lost.
        }
        catch (ObjectDisposedException)
        {
            // Nobody waits any more.
        }

        foreach (var stream in _open.Keys) End(stream, StatusCode.Unavailable);
    }

    private void Take(ReadOnlySpan<byte> frame)
    {
        var (type, flags) = (frame[3], frame[4]);
        var payload = frame[HeaderBytes..];
        var stream = BinaryPrimitives.ReadInt32BigEndian(frame[5..]) & int.MaxValue;
        switch (type)
        {
            case Headers when (flags & EndStream) != 0:
                End(stream, Status(payload));
                break;
            case Reset:
                End(stream, StatusCode.Unavailable);
                break;
            case Settings or Ping when (flags & Ack) == 0:
                lock (_sending) _socket.Send(Frame(type, Ack, 0, type == Ping ? payload : []));
                break;
            case GoAway:
                foreach (var left in _open.Keys) End(left, StatusCode.Unavailable);
                break;
        }
    }

    private void End(int stream, StatusCode status)
    {
        if (_open.TryRemove(stream, out var began)) _ended(status, Stopwatch.GetElapsedTime(began).TotalMilliseconds);
    }

    /// <summary>Finds <c>grpc-status</c> in a header block.</summary>
    private static StatusCode Status(ReadOnlySpan<byte> block)
    {
        while (block.Length > 0)
        {
            var first = block[0];
            if ((first & 0x80) != 0) Integer(ref block, 7);
            else if ((first & 0xE0) == 0x20) Integer(ref block, 5);
            else
            {
                var indexed = Integer(ref block, (first & 0x40) != 0 ? 6 : 4);
                var name = indexed == 0 ? Literal(ref block) : [];
                var value = Literal(ref block);
                if (name.SequenceEqual("grpc-status"u8)) return (StatusCode)int.Parse(value, CultureInfo.InvariantCulture);
            }
        }

        return StatusCode.Unknown;
    }

    private static ReadOnlySpan<byte> Literal(ref ReadOnlySpan<byte> block)
    {
        if ((block[0] & 0x80) != 0) throw new NotSupportedException("a header in Huffman's code");
        var length = Integer(ref block, 7);
        var text = block[..length];
        block = block[length..];
        return text;
    }

    private static int Integer(ref ReadOnlySpan<byte> block, int prefix)
    {
        var most = (1 << prefix) - 1;
        var value = block[0] & most;
        block = block[1..];
        if (value < most) return value;
        for (var shift = 0; ; shift += 7)
        {
            var b = block[0];
            block = block[1..];
            value += (b & 0x7F) << shift;
            if (b < 0x80) return value;
        }
    }
}
