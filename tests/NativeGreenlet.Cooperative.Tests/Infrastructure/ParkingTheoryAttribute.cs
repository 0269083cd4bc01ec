using System.Runtime.CompilerServices;

namespace NativeGreenlet.Cooperative.Tests.Infrastructure;

/// <summary>As <see cref="ParkingFactAttribute"/>, with arguments.</summary>
[AttributeUsage(AttributeTargets.Method)]
internal sealed class ParkingTheoryAttribute : TheoryAttribute
{
    public ParkingTheoryAttribute([CallerFilePath] string? sourceFilePath = null, [CallerLineNumber] int sourceLineNumber = -1)
        : base(sourceFilePath, sourceLineNumber)
    {
        Skip = GreenletRuntime.Backend == GreenletBackend.Segments ? null : ParkingFactAttribute.Reason;
    }
}
