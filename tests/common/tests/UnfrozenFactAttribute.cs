using System.Runtime.CompilerServices;

namespace NativeGreenlet.Common;

/// <summary>A test of what does not hold where each greenlet is frozen whenever it is left (<c>NATIVEGREENLET_FREEZE=always</c>), which
/// allocates, and collects now and then. Part of every project of tests.</summary>
[AttributeUsage(AttributeTargets.Method)]
public sealed class UnfrozenFactAttribute : FactAttribute
{
    private const string Variable = "NATIVEGREENLET_FREEZE";

    /// <summary>Creates one.</summary>
    /// <param name="reason">What freezing does that the test looks for.</param>
    public UnfrozenFactAttribute(string reason, [CallerFilePath] string? sourceFilePath = null, [CallerLineNumber] int sourceLineNumber = -1)
        : base(sourceFilePath, sourceLineNumber)
    {
        if (string.Equals(Environment.GetEnvironmentVariable(Variable), "always", StringComparison.OrdinalIgnoreCase))
        {
            Skip = $"Where each park is frozen: {reason}";
        }
    }
}
