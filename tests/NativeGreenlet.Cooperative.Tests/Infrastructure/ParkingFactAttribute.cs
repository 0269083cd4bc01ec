using System.Runtime.CompilerServices;

namespace NativeGreenlet.Cooperative.Tests.Infrastructure;

/// <summary>A test of waits of .NET that park, which only segments can.</summary>
[AttributeUsage(AttributeTargets.Method)]
internal sealed class ParkingFactAttribute : FactAttribute
{
    /// <summary>Why it is not run.</summary>
    public const string Reason = "Only greenlets with a stack of their own on the hub's thread park in waits of .NET.";

    public ParkingFactAttribute([CallerFilePath] string? sourceFilePath = null, [CallerLineNumber] int sourceLineNumber = -1)
        : base(sourceFilePath, sourceLineNumber)
    {
        Skip = GreenletRuntime.Backend == GreenletBackend.Segments ? null : Reason;
    }
}
