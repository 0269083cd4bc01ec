namespace NativeGreenlet.Cooperative.Tests.Infrastructure;

/// <summary>As <see cref="ParkingFactAttribute"/>, with arguments.</summary>
[AttributeUsage(AttributeTargets.Method)]
internal sealed class ParkingTheoryAttribute : TheoryAttribute
{
    public ParkingTheoryAttribute()
    {
        Skip = GreenletRuntime.Backend == GreenletBackend.Segments ? null : ParkingFactAttribute.Reason;
    }
}
