namespace DistillOnnx.Runtime.Devices;

/// <summary>What runs the graphs.</summary>
public enum DeviceKind
{
    /// <summary>The processor.</summary>
    Cpu,

    /// <summary>An NVIDIA GPU.</summary>
    Cuda,
}
