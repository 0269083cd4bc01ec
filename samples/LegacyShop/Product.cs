namespace NativeGreenlet.LegacyShop;

/// <summary>What the shop sells.</summary>
public class Product
{
    public int Id { get; set; }

    public string Name { get; set; } = string.Empty;
}
