from components.plan_study.component import plan_study

__all__ = ["plan_study"]
