"""What the shop knows: orders and shipments."""

from django.db import models


class Order(models.Model):
    """Something to pay; ``amount`` is in major currency units."""

    amount = models.DecimalField(max_digits=15, decimal_places=4)
    currency = models.CharField(max_length=3)
    paid = models.BooleanField(default=False)

    class Meta:
        app_label = "django_shop"

    def __str__(self) -> str:
        return f"order {self.pk}"


class Shipment(models.Model):
    """One parcel on its way. Nothing here keeps a second one out: the webhook receiver does."""

    order = models.ForeignKey(Order, on_delete=models.CASCADE)
    payment_id = models.CharField(max_length=64)

    class Meta:
        app_label = "django_shop"

    def __str__(self) -> str:
        return f"shipment {self.pk}"
