namespace DistillOnnx.Data;

/// <summary>What a reader of a dataset asks of each row's labels.</summary>
public enum LabelNeed
{
    /// <summary>Every row has a gold label: training and measuring on it.</summary>
    Gold,

    /// <summary>Every row has a gold label, a teacher's, or both.</summary>
    GoldOrTeacher,

    /// <summary>Labels may be missing: rows that are yet to be annotated.</summary>
    None,

    /// <summary>Labels are not read: rows to choose among. Those that do not fit the task are left out of the row.</summary>
    Unread,
}
