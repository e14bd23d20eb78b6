using static TorchSharp.torch;

namespace DistillOnnx.Training.Engines.Script;

/// <summary>
/// Brings arrays to a device: all of one type in one copy out of pinned memory, which does not wait for the work before it.
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

    /// <summary>The arrays on the device, in the order in which they were added.</summary>
    public Tensor[] Send()
    {
        var whole = Copy(tensor(_whole.ToArray()));
        var single = Copy(tensor(_single.ToArray()));
        return [.. _arrays.Select(a => (a.Whole ? whole : single).narrow(0, a.Begin, a.Count))];
    }

    private Tensor Copy(Tensor host) => device.type == TorchSharp.DeviceType.CPU ? host : host.pin_memory().to(device, non_blocking: true);
}
