using static TorchSharp.torch;

namespace DistillOnnx.Training.Engines.Script;

/// <summary>
/// Arrays on their way to a device: all of one type in one copy out of pinned memory, which does not wait for the work before it.
/// </summary>
/// <param name="device">The device.</param>
internal sealed class Upload(Device device)
{
    private readonly List<(bool Whole, int Begin, int Count)> _arrays = [];
    private readonly List<long> _whole = [];
    private readonly List<float> _single = [];

    /// <summary>Adds an array.</summary>
    public void Add(long[] values)
    {
        _arrays.Add((true, _whole.Count, values.Length));
        _whole.AddRange(values);
    }

    /// <summary>Adds an array.</summary>
    public void Add(float[] values)
    {
        _arrays.Add((false, _single.Count, values.Length));
        _single.AddRange(values);
    }

    /// <summary>Room on the device for what was added: int64 and float32, end to end.</summary>
    public (Tensor Whole, Tensor Single) Room() => (
        empty(_whole.Count, dtype: ScalarType.Int64, device: device), empty(_single.Count, dtype: ScalarType.Float32, device: device));

    /// <summary>Copies all into room of its size.</summary>
    /// <param name="room">What <see cref="Room"/> gave here or for arrays of the same lengths.</param>
    public void CopyTo((Tensor Whole, Tensor Single) room)
    {
        Copy(tensor(_whole.ToArray()), room.Whole);
        Copy(tensor(_single.ToArray()), room.Single);
    }

    /// <summary>The arrays within the room, in the order in which they were added.</summary>
    /// <param name="room">What <see cref="Room"/> gave.</param>
    public Tensor[] Views((Tensor Whole, Tensor Single) room) =>
        [.. _arrays.Select(a => (a.Whole ? room.Whole : room.Single).narrow(0, a.Begin, a.Count))];

    private void Copy(Tensor host, Tensor to) =>
        to.copy_(device.type == TorchSharp.DeviceType.CPU ? host : host.pin_memory(), true);
}
