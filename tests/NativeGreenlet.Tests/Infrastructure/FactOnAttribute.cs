using System.Runtime.CompilerServices;
using Xunit.v3;

namespace NativeGreenlet.Tests.Infrastructure;

/// <summary>A test that applies to some backends only, because they differ. Runs for other backends skip it; the
/// difference is one of those listed in docs/greenlet-compatibility.md (<c>BackendDifferenceTests</c> checks).</summary>
[AttributeUsage(AttributeTargets.Method)]
public sealed class FactOnAttribute(Backends backends, [CallerFilePath] string? sourceFilePath = null, [CallerLineNumber] int sourceLineNumber = -1)
    : FactAttribute(sourceFilePath, sourceLineNumber), IFactAttribute
{
    /// <summary>Where it runs.</summary>
    public Backends Backends { get; } = backends;

    /// <summary>The difference, by the name that it has in the document.</summary>
    public string Because { get; set; } = string.Empty;

    /// <summary>Whether it needs something of Linux, such as its limits of resources.</summary>
    public bool OnLinux { get; set; }

    /// <summary>Whether it needs optimized code: <see cref="OptimizedFactAttribute"/>.</summary>
    public bool Optimized { get; set; }

    string? IFactAttribute.Skip =>
        !Backends.HasFlag(ThisRun.Backend) ? $"{ThisRun.Backend} differs: {Because} (docs/greenlet-compatibility.md)"
        : OnLinux && !OperatingSystem.IsLinux() ? "Needs a facility of Linux"
        : Optimized && OptimizedFactAttribute.IsDebug ? OptimizedFactAttribute.Reason
        : Skip;
}
